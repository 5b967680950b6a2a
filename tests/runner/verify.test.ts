import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Verifier } from '../../core/task.ts'
import { verifyTurn } from '../../runner/verify.ts'
import { never, openLocal } from './_sandbox.ts'

const node = process.execPath
const verifier = (change: Partial<Verifier>): Verifier => ({ files: {}, command: ['true'], timeoutMs: 20_000, ...change })
const test = (body: string) => `import test from 'node:test'\nimport assert from 'node:assert'\nimport fs from 'node:fs'\n${body}`
const nodeTest = [node, '--test', '--test-reporter=tap', 'hidden.test.mjs']

async function openWith(files: Record<string, string> = {}) {
  const environment = await openLocal()
  await environment.writeFiles(environment.workspace, files)
  const sh = async (script: string) => (await environment.exec(['sh', '-c', script], { timeoutMs: 10_000, signal: never })).stdout
  return { environment, sh }
}

describe('verification', () => {
  it('runs hidden tests against the work and reads each case', async () => {
    const { environment } = await openWith({ 'answer.txt': '42' })
    const files = {
      'hidden.test.mjs': test(
        "test('right', () => assert.equal(fs.readFileSync('answer.txt', 'utf8'), '42'))\ntest('wrong', () => assert.fail('no'))",
      ),
    }
    const result = await verifyTurn(environment, verifier({ files, command: nodeTest }), never)
    expect(result).toMatchObject({ passed: false, testsPassed: 1, testsTotal: 2 })
    expect(result?.tests).toEqual([
      { name: 'right', status: 'passed', message: '' },
      { name: 'wrong', status: 'failed', message: 'no' },
    ])
    expect(result?.output).toContain('TAP version 13')
  })

  it('leaves no trace: no test file, no product of the tests, no change, no home, no report', async () => {
    const { environment, sh } = await openWith({ 'a.txt': 'mine', 'hidden.txt': 'my own file of that name' })
    const script =
      'echo $TURNPIKE_RESULTS $HOME $TMPDIR; echo x > "$TURNPIKE_RESULTS.x"; echo x > made; echo x > "$HOME/h"; rm a.txt; cat hidden.txt'
    const result = await verifyTurn(
      environment,
      verifier({ files: { 'hidden.txt': 'secret', 't/deep.txt': 'secret' }, command: ['sh', '-c', script] }),
      never,
    )
    expect(result?.passed).toBe(true)
    expect(result?.output).toMatch(/secret$/)
    expect(await sh('ls -A; cat a.txt hidden.txt; ls -A "$HOME"')).toBe('a.txt\nhidden.txt\nminemy own file of that name')
    for (const path of result?.output.split(/\s/).slice(0, 3) ?? []) expect(existsSync(path), path).toBe(false)
  })

  it('ignores reports written beforehand, wherever they lie', async () => {
    const { environment } = await openWith({
      results: '[{"name":"forged","passed":true}]',
      'hidden.test.mjs': test("test('forged', () => {})"),
    })
    const files = { 'hidden.test.mjs': test("test('real', () => assert.fail('no'))") }
    const result = await verifyTurn(environment, verifier({ files, command: nodeTest }), never)
    expect(result?.tests.map(one => [one.name, one.status])).toEqual([['real', 'failed']])
  })

  it('does not count a report that is older than the verification', async () => {
    const { environment } = await openWith({ old: '[{"name":"forged","passed":true},{"name":"forged too","passed":true}]' })
    const result = await verifyTurn(
      environment,
      verifier({ command: ['sh', '-c', 'touch -d "2020-01-01" old; cp -p old "$TURNPIKE_RESULTS"'] }),
      never,
    )
    expect(result?.tests.map(one => one.name)).toEqual(['exit status'])
    const fresh = await verifyTurn(environment, verifier({ command: ['sh', '-c', 'cp old "$TURNPIKE_RESULTS"'] }), never)
    expect(fresh?.tests.map(one => one.name)).toEqual(['forged', 'forged too'])
  })

  it('is not led out of the workspace by links the agent left', async () => {
    const { environment, sh } = await openWith()
    await sh('mkdir "$HOME/loot"; ln -s "$HOME/loot" tests; ln -s "$HOME/loot/copy" hidden.txt')
    await verifyTurn(environment, verifier({ files: { 'tests/a': 'secret', 'hidden.txt': 'secret' } }), never)
    expect(await sh('ls -A "$HOME/loot"; readlink tests')).toBe(`${environment.home}/loot\n`)
  })

  it('does not believe tested code that ends the process before the first test', async () => {
    const { environment } = await openWith({ 'work.mjs': 'process.exit(0)' })
    const files = { 'hidden.test.mjs': test("import './work.mjs'\ntest('real', () => assert.fail('no'))") }
    expect(await verifyTurn(environment, verifier({ files, command: nodeTest }), never)).toMatchObject({
      passed: false,
      testsPassed: 0,
    })
  })

  it('runs only when nothing of the agent is alive, and kills what the tests start', async () => {
    const { environment } = await openWith()
    const result = await verifyTurn(environment, verifier({ command: ['sh', '-c', 'sleep 300 & echo started'] }), never)
    expect(result).toMatchObject({ passed: true }) // whoever waited for what the tests started would have run into the time limit
    expect(await environment.endProcesses()).toBe(0)
  })

  it('fails a suite that hangs and one that the agent should have made startable', async () => {
    const { environment } = await openWith()
    const hanging = await verifyTurn(environment, verifier({ command: ['sleep', '60'], timeoutMs: 200 }), never)
    expect(hanging).toMatchObject({ passed: false, tests: [{ name: 'time limit', status: 'error' }] })
    expect(await verifyTurn(environment, verifier({ command: ['./start.sh'] }), never)).toMatchObject({ passed: false })
  })

  it('calls a verifier that is not installed a broken environment, never a failed turn', async () => {
    const { environment } = await openWith()
    await expect(verifyTurn(environment, verifier({ command: ['pytest-that-is-not-there'] }), never)).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
      hint: expect.stringContaining('install pytest-that-is-not-there'),
    })
  })

  it('gives no verdict when it was interrupted, and restores the workspace', async () => {
    const { environment, sh } = await openWith({ a: 'mine' })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 200)
    expect(await verifyTurn(environment, verifier({ files: { hidden: 'x' }, command: ['sleep', '60'] }), stop.signal)).toBeNull()
    expect(await sh('ls -A')).toBe('a\n')
  })
})
