import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import type { CommandContext } from '../../cli/commands/_command.ts'
import { describePlan, openLiveView } from '../../cli/live-plan.ts'
import type { RunPlan } from '../../cli/run-plan.ts'
import { begun, trialBegun } from '../report/live-story.ts'

const none = { calls: null, tokens: null, costUsd: null, wallMs: null }
const turn = (instruction: string, name?: string) => ({ instruction, ...(name === undefined ? {} : { name }) })
const plan = {
  config: { run: { concurrency: 3, attempts: 2 }, budget: { run: { ...none, costUsd: 2.5 } } },
  tasks: [{ id: 'ledger', turns: [turn('Write a ledger.\nIt is long.'), turn('x', 'round-2')] }],
} as unknown as RunPlan

interface Streams {
  readonly json: boolean
  readonly isTty: boolean
  readonly isStdoutTty: boolean
  readonly environment: Record<string, string>
}

async function show({ json, environment, ...tty }: Streams): Promise<string> {
  let text = ''
  const stderr = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      done()
    },
  })
  const view = await openLiveView({ json, environment, output: { ...tty, stderr } } as unknown as CommandContext, plan)
  view.event(begun(1, 3))
  view.event(trialBegun(0, 't1', 'ledger.mini.1'))
  view.done()
  return text
}

it('knows what the run may cost and how turns are called', () => {
  expect(describePlan(plan)).toEqual({
    concurrency: 3,
    attempts: 2,
    budget: { costUsd: 2.5, tokens: null, calls: null },
    turnNames: new Map([['ledger', ['Write a ledger.', 'round-2']]]),
  })
})

it('is drawn on a terminal, in colour where that is wanted, and in plain lines elsewhere', async () => {
  const terminal = { json: false, isTty: true, isStdoutTty: true, environment: {} }
  expect(await show(terminal)).toContain('\u001b[2m')
  expect(await show({ ...terminal, environment: { NO_COLOR: '1' } })).not.toContain('\u001b[2m')
  expect(await show({ ...terminal, environment: { TERM: 'dumb' } })).toMatch(/^\[0:00\] run nightly started/)
  expect(await show({ ...terminal, isTty: false })).toMatch(/^\[0:00\] run nightly started/)
})

it('leaves a terminal to the lines of JSON that go there', async () => {
  const terminal = { json: true, isTty: true, isStdoutTty: true, environment: {} }
  expect(await show(terminal)).toBe('')
  expect(await show({ ...terminal, isStdoutTty: false })).toContain('0/3 turns')
  expect(await show({ ...terminal, isTty: false, isStdoutTty: false })).toMatch(/^\[0:00\]/)
})
