// What was said in each turn, as documents of their own: everything once, nothing of the turns before.
import { expect, it } from 'vitest'
import atif from '../../convert/formats/atif.ts'
import { writeTrialTrajectory, writeTurnTrajectories } from '../../convert/trial-trajectory.ts'
import type { JsonObject, Message } from '../../core/types.ts'
import type { Store } from '../../store/_adapter.ts'
import { makeTrial } from '../rows.ts'
import { findProblems } from './formats/_atif-rules.ts'
import { assistant, record, text, toolCall, toolResult, user } from './script.ts'
import { withStore } from './temporary-store.ts'

const trial = makeTrial({ plannedTurns: 3 })
const scope = { kind: 'trial', id: 't1' } as const

interface Said {
  readonly id: string
  readonly turn: number
  readonly says: readonly Message[]
  readonly answer: Message | null
  readonly system?: string
}

/** One conversation: each call has all that was said before. */
async function talk(store: Store, calls: readonly Said[]): Promise<void> {
  await store.put('trials', [trial])
  const messages: Message[] = []
  for (const [index, { says, ...call }] of calls.entries()) {
    messages.push(...says)
    await record(store, { ...call, at: 1000 * (index + 1), messages: [...messages] }, scope)
    if (call.answer !== null) messages.push(call.answer)
  }
}

async function read(store: Store): Promise<Map<number, JsonObject>> {
  const written = await writeTurnTrajectories(store, 't1')
  const documents = new Map([...written].map(([turn, { document }]) => [turn, JSON.parse(document) as JsonObject]))
  for (const document of documents.values()) expect(findProblems(document)).toEqual([])
  return documents
}

const steps = (document: JsonObject | undefined): unknown[] =>
  listOf(document?.['steps']).map(step => [
    step['source'],
    step['message'],
    ...listOf(step['tool_calls']).map(call => call['function_name']),
  ])
const listOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value : [])

const conversation: readonly Said[] = [
  { id: 'a', turn: 1, says: [user('first')], answer: assistant(text('I look.'), toolCall('c1', 'ls')) },
  { id: 'b', turn: 1, says: [toolResult('c1', 'x')], answer: assistant(text('Done one.')) },
  { id: 'c', turn: 2, says: [user('second')], answer: assistant(toolCall('c2', 'cat'), toolCall('c3', 'rm')) },
  // The turn was cut off here: the results come with the next request.
  { id: 'd', turn: 3, says: [toolResult('c2', 'y'), user('third')], answer: assistant(text('Done three.')) },
]

it('cuts a conversation where a turn ends; joined, the parts are the whole', () =>
  withStore(async store => {
    await talk(store, conversation)
    const documents = await read(store)
    expect([...documents.keys()]).toEqual([1, 2, 3])
    expect(steps(documents.get(1))).toEqual([
      ['system', 'You are a test.'],
      ['user', 'first'],
      ['agent', 'I look.', 'bash'],
      ['agent', 'Done one.'],
    ])
    expect(steps(documents.get(2))).toEqual([
      ['system', 'You are a test.'],
      ['user', 'second'],
      ['agent', '', 'bash', 'bash'],
    ])
    expect(steps(documents.get(3)).at(-1)).toEqual(['agent', 'Done three.'])
    expect([...documents.values()].flatMap(document => atif.listGenerations(document))).toEqual(['a', 'b', 'c', 'd'])
    const ids = [...documents.values()].map(document => document['trajectory_id'])
    expect(ids).toEqual(['a', 'c', 'd'])
    const whole = JSON.parse((await writeTrialTrajectory(store, 't1'))?.document ?? '') as JsonObject
    expect(atif.listGenerations(whole)).toEqual(['a', 'b', 'c', 'd'])
  }))

it('counts each call in its own turn, failed ones as well', () =>
  withStore(async store => {
    await talk(store, [
      ...conversation.slice(0, 3),
      { id: 'f', turn: 2, says: [toolResult('c2', 'y'), toolResult('c3', 'z')], answer: null },
    ])
    const documents = await read(store)
    const calls = (turn: number): unknown => documents.get(turn)?.['extra']
    expect([calls(1), calls(2)]).toMatchObject([
      { totals: { extra: { calls: 2, failed_calls: 0 } } },
      { totals: { extra: { calls: 2, failed_calls: 1 } } },
    ])
  }))

it('the instructions that held in a turn stand at the head of its document', () =>
  withStore(async store => {
    await talk(store, [
      { id: 'a', turn: 1, says: [user('first')], answer: assistant(text('One.')), system: 'Old rules.' },
      { id: 'b', turn: 2, says: [user('second')], answer: assistant(text('Two.')), system: 'New rules.' },
      { id: 'c', turn: 3, says: [user('third')], answer: assistant(text('Three.')), system: 'New rules.' },
    ])
    const documents = await read(store)
    expect([1, 2, 3].map(turn => steps(documents.get(turn))[0])).toEqual([
      ['system', 'Old rules.'],
      ['system', 'New rules.'],
      ['system', 'New rules.'],
    ])
    expect(steps(documents.get(2))).toHaveLength(3)
  }))

it('a turn in which no model answered has none', () =>
  withStore(async store => {
    await talk(store, [
      { id: 'a', turn: 1, says: [user('first')], answer: assistant(text('One.')) },
      { id: 'b', turn: 3, says: [user('third')], answer: assistant(text('Three.')) },
    ])
    expect([...(await read(store)).keys()]).toEqual([1, 3])
    expect((await writeTurnTrajectories(store, 'nobody')).size).toBe(0)
  }))
