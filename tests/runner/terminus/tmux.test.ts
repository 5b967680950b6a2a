import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keysBytesMax, openTerminal, refuseVersion, type Terminal } from '../../../runner/terminus/tmux.ts'
import { atEnd, findMarked, makeDirectory, never } from '../_sandbox.ts'

async function open(change: { readonly columns?: number; readonly path?: string } = {}) {
  const home = makeDirectory()
  const terminal = await openTerminal({
    columns: change.columns ?? 100,
    rows: 30,
    historyLines: 5_000,
    cwd: home,
    env: { PATH: change.path ?? '/opt/own/bin:/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8', TMPDIR: home, PS1: '' },
    recordingFile: join(home, "logs of #1, it's", 'pane'),
    signal: never,
  })
  atEnd(() => terminal.close())
  return { terminal, home }
}

async function waitForText(terminal: Terminal, words: string | RegExp): Promise<string> {
  for (let tried = 0; tried < 200; tried++) {
    const { whole } = await terminal.capture()
    if (typeof words === 'string' ? whole.includes(words) : words.test(whole)) return whole
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`never seen: ${words}; ${(await terminal.capture()).whole.trim()}`)
}

describe('a terminal', () => {
  it('types what it is given to the byte, whatever tmux makes of such signs elsewhere', async () => {
    const { terminal, home } = await open()
    const nasty = `a;b "c" 'd' $HOME \\ #{pane_id} ~ %1 ü€😀 -l {} \\; end;`
    await terminal.type("cat > typed.txt <<'END'\n")
    await terminal.type(nasty)
    await terminal.type(';')
    await terminal.type('\n-l\nC-c x\n')
    await terminal.type('END\n')
    await terminal.type('echo re""ady\n')
    await waitForText(terminal, /^ready$/m)
    expect(readFileSync(join(home, 'typed.txt'), 'utf8')).toBe(`${nasty};\n-l\nC-c x\n`)
  })

  it('pastes what is too long for one command, whole and in order', async () => {
    const { terminal, home } = await open()
    const long = Array.from({ length: 1_500 }, (_, index) => `line ${index} ü ;`).join('\n')
    expect(Buffer.byteLength(long)).toBeGreaterThan(keysBytesMax)
    await terminal.type(`cat > long.txt <<'END'\n${long}\nEND\n`)
    await terminal.type(`echo ${'x'.repeat(keysBytesMax - 300)} | wc -c; echo al""l\n`)
    await waitForText(terminal, /^all$/m)
    expect(readFileSync(join(home, 'long.txt'), 'utf8')).toBe(`${long}\n`)
    expect((await terminal.capture()).whole).toContain(`\n${keysBytesMax - 299}\n`)
  })

  it('presses keys that are named', async () => {
    const { terminal } = await open()
    await terminal.type('cat > /dev/null; echo en$((1))ded\n')
    await terminal.type('C-d')
    await waitForText(terminal, 'en1ded')
    await terminal.type('echo wr0ng')
    await terminal.type('BSpace')
    await terminal.type('C-u')
    await terminal.type('echo rig$((0))ht')
    await terminal.type('Enter')
    await waitForText(terminal, 'rig0ht')
  })

  it('keeps what has scrolled away, in a pane of the size asked for', async () => {
    const { terminal } = await open({ columns: 77 })
    await terminal.type('seq 1 3000; tput cols; stty size\n')
    const whole = await waitForText(terminal, /\n77\n30 77\n/)
    expect(whole).toContain('\n1\n2\n3\n')
    const { screen } = await terminal.capture()
    expect(screen).not.toContain('\n1\n2\n')
    expect(screen.trimEnd().split('\n').length).toBeLessThanOrEqual(30)
  })

  it('has the path of the environment in front of what a profile adds, and none of the settings of its user', async () => {
    const { terminal, home } = await open()
    writeFileSync(join(home, '.tmux.conf'), 'set -g status-left BROKEN')
    await terminal.type('echo "[$PATH]"; env | grep -c TERMINUS; pwd\n')
    const whole = await waitForText(terminal, /\n0\n/)
    expect(whole).toContain('[/opt/own/bin:/usr/bin:/bin:')
    expect(whole).toContain(home)
  })

  it('knows when it is gone, records what was shown, and leaves nothing behind', async () => {
    const { terminal, home } = await open()
    expect(await terminal.isAlive()).toBe(true)
    await terminal.type('echo rec$((2))orded; exit\n')
    while (await terminal.isAlive()) await new Promise(resolve => setTimeout(resolve, 50))
    await expect(terminal.type('ls\n')).rejects.toMatchObject({
      code: 'E_AGENT_FAILED',
      message: expect.stringContaining('tmux send-keys'),
    })
    await terminal.close()
    await terminal.close()
    expect(readFileSync(join(home, "logs of #1, it's", 'pane'), 'utf8')).toContain('rec2orded')
    expect(readdirSync(home).filter(name => name.startsWith('terminus-'))).toEqual([])
    expect(findMarked(home)).toEqual([])
  })

  it('finds room for its socket where the temporary directory has a long name', async () => {
    const deep = makeDirectory()
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = join(deep, 'x'.repeat(120))
    mkdirSync(process.env['TMPDIR'])
    atEnd(() => {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    })
    const { terminal } = await open()
    expect(await terminal.isAlive()).toBe(true)
  })
})

describe('tmux', () => {
  it.each([
    ['tmux 3.1c', false],
    ['tmux 2.9a', false],
    ['tmux 3.2', true],
    ['tmux 3.3a\n', true],
    ['tmux next-3.6', true],
    ['tmux 4.0', true],
    ['tmux master', true],
  ])('%s is new enough: %s', (printed, fits) => {
    expect(refuseVersion(printed) === null).toBe(fits)
  })

  it('that is missing is an error which says what to do', async () => {
    const home = makeDirectory()
    await expect(open({ path: home })).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
      message: expect.stringContaining('terminus needs tmux'),
      hint: expect.stringContaining('3.2'),
    })
    expect(existsSync(join(home, 'logs'))).toBe(false)
  })
})
