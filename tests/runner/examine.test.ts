// Whole runs whose agents misbehave, with the events that tell of it.
import { expect, it } from 'vitest'
import { reportFailure } from '../../runner/examine.ts'
import { openLedger } from '../../runner/ledger.ts'
import { recordExchange } from '../store/_conversation.ts'
import { openBench, script, task } from './_tasks.ts'

it('says why each failed attempt failed and what held the agent in', async () => {
  const { run, events } = await openBench()
  await run({ agents: [script('[ -f tried ] || { touch tried; exit 3; }; exit 0')], attempts: 2, toTurn: 1 })
  const found = events.filter(event => event.type === 'failure-classified').map(event => event.data)
  expect(found).toMatchObject([
    { turn: 1, attempt: 1, primary: 'crash', labels: ['crash'] },
    { turn: 1, attempt: 2, primary: 'no-edit', labels: ['no-edit'] },
  ])
  expect(events.find(event => event.type === 'environment-opened')?.data).toMatchObject({
    environment: 'local',
    isolation: expect.stringMatching(/^(sandbox|none)$/),
  })
})

it('knows of the first attempt, too, whether anything was changed', async () => {
  const { run, events } = await openBench()
  const [first] = task.turns
  const setup = { trees: [], command: ['sh', '-c', 'echo new > given.txt'] }
  const turns = first === undefined ? [] : [first, { ...first, index: 2, setup }, { ...first, index: 3 }]
  await run({ tasks: [{ ...task, turns }], agents: [script('[ "$1" != edit ] || echo x > mine')] })
  const classes = events.filter(event => event.type === 'failure-classified').map(event => event.data)
  expect(classes).toMatchObject([{ primary: 'no-edit' }, { primary: 'no-edit' }, { primary: 'no-edit' }])
  await run({ agents: [script('date +%N > mine')], toTurn: 1 })
  expect(events.findLast(event => event.type === 'failure-classified')?.data).toMatchObject({ primary: 'wrong-result' })
})

it('reads the wire: what was answered and asked again, what nobody had offered, and calls of this attempt alone', async () => {
  const { store, run, events } = await openBench()
  const { trials } = await run({ agents: [{ id: 'nop', model: null }], toTurn: 1 })
  const [trial] = trials
  const [turn] = task.turns
  if (trial === undefined || turn === undefined) throw new Error('the run has no trial')
  const ledger = openLedger(store, trial.runId, event => events.push(event))
  const agent = { ended: 'exited', exit: 0, stdout: '', stderr: '', startFailure: null, ms: 1 } as const
  const classify = async (attempt: number, calls: ReadonlyArray<readonly [status: number, ...uses: string[]]>) => {
    for (const [status, ...uses] of calls) {
      const said = uses.map(use => ({ type: 'tool_use', name: use, input: { x: 1 } }))
      const body = JSON.stringify({ tools: [{ name: 'bash' }], messages: said })
      await recordExchange(store, body, '{}', { scope: { kind: 'trial', id: trial.id }, turn: 1, attempt }, { status })
    }
    await reportFailure(ledger, { trial, turn, attempt, told: '', agent, changed: true })
    return (events.at(-1)?.data as { readonly labels?: unknown } | undefined)?.labels
  }
  const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)
  expect(await classify(11, [...times(8, [429] as const), [200]])).toEqual(['wrong-result'])
  expect(await classify(12, times(6, [200] as const))).toEqual(['stuck-loop'])
  expect(await classify(13, [[200], [200, 'bash', 'frobnicate']])).toEqual(['invalid-tool-call'])
  expect(await classify(14, [[200], [200, 'frobnicate', 'bash']])).toEqual(['wrong-result'])
  const loop = times(5, 'bash')
  expect(await classify(15, [[200], [200, ...loop]])).toEqual(['stuck-loop'])
  expect(
    await classify(16, [
      [200, ...loop],
      [200, ...loop, 'bash'],
    ]),
  ).toEqual(['wrong-result'])
})

it('says nothing of attempts that passed', async () => {
  const { run, events } = await openBench()
  await run({})
  expect(events.filter(event => event.type === 'failure-classified' || event.type === 'leak-found')).toEqual([])
})
