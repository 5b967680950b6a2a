import { expect, it } from 'vitest'
import { runShell } from '../../../runner/mini/shell.ts'
import { never } from '../_sandbox.ts'

const run = (command: unknown) => runShell({ command }, { PATH: '/usr/bin:/bin' }, never)

it('gives back output and exit status', async () => {
  expect(await run('echo out; echo err >&2')).toEqual({ text: 'out\nerr\n[exit status 0]', failed: false })
  expect(await run('printf x; exit 3')).toEqual({ text: 'x\n[exit status 3]', failed: true })
  expect((await run('kill -9 $$')).text).toBe('[exit status none (ended by a signal)]')
})

it('lets a background process live for the next command', async () => {
  const { text } = await run('sleep 20 > /dev/null 2>&1 & echo $!')
  const id = text.split('\n')[0] ?? ''
  expect((await run(`kill ${id} && echo killed`)).text).toContain('killed')
})

it('bounds what the model has to read', async () => {
  const { text } = await run('head -c 1000000 /dev/zero | tr "\\0" x')
  expect(text.length).toBeLessThan(17_000)
  expect(text).toContain('bytes cut out')
})

it.each([null, 7, 'ls', {}, { command: '' }, { command: 7 }, []])(
  'answers arguments like %j without running anything',
  async input => {
    expect(await runShell(input, {}, never)).toMatchObject({ failed: true, text: expect.stringContaining('Nothing was run') })
  },
)
