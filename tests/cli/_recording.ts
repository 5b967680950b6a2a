// A store with a run of two tasks and a session, written as the proxy and the runner would, for commands that read one.

import { join } from 'node:path'
import type { Run, Trial, TurnRecord } from '../../core/types.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { assistant, record, type ScriptedCall, text, toolCall, toolResult, user } from '../convert/script.ts'
import { makeRun, makeTrial } from '../rows.ts'

const run: Run = makeRun({
  id: 'run-1',
  name: 'nightly',
  turnpikeVersion: '0.0.0',
  simulated: true,
  plannedTurns: 8,
  startedAt: 1_790_000_000_000,
  endedAt: 1_790_000_900_000,
})

/** Trials `one.mini.1` (both turns passed), `one.mini.2` (one passed), `two.other.1` (none); session `talk`, which branches and fails. */
export async function recordRun(directory: string): Promise<void> {
  const store = await openStore(join(directory, '.turnpike'))
  await store.put('runs', [run])
  await recordTrial(store, 'one', 'mini', 1, ['passed', 'passed'])
  await recordTrial(store, 'one', 'mini', 2, ['passed', 'failed'])
  await recordTrial(store, 'two', 'other', 1, ['failed', 'failed'])
  await recordTalk(store)
  await store.put('sessions', [
    { id: 'talk-1', name: 'talk', source: 'path', agentSession: null, startedAt: 1_790_000_000_000 },
    { id: 'silent-1', name: 'silent', source: 'path', agentSession: null, startedAt: 1_790_000_000_000 },
  ])
  await store.close()
}

async function recordTrial(
  store: Store,
  task: string,
  agent: string,
  index: number,
  states: ReadonlyArray<TurnRecord['state']>,
): Promise<void> {
  const name = `${task}.${agent}.${index}`
  const id = `trial-${name}`
  const startedAt = 1_790_000_000_000 + index * 1000
  const trial: Trial = makeTrial({
    id,
    runId: run.id,
    name,
    taskId: task,
    agent,
    model: 'model-a',
    index,
    plannedTurns: states.length,
    outcome: { kind: 'finished', reason: null },
    startedAt,
    endedAt: startedAt + 60_000,
  })
  await store.put('trials', [trial])
  await store.put(
    'turns',
    states.map((state, turn) => ({
      trialId: id,
      turn: turn + 1,
      state,
      attempts: 1,
      instruction: 'do',
      startedAt,
      endedAt: startedAt + 1,
    })),
  )
  // The two trials of one task say the same in their first turn alone when their numbers do.
  const messages = [user(`task ${task}`)]
  for (const [turn] of states.entries()) {
    const answer = assistant(text(`${task} answer ${turn + 1}`))
    await record(
      store,
      { id: `${id}-${turn + 1}`, at: startedAt + turn, messages: [...messages], answer, turn: turn + 1 },
      { kind: 'trial', id },
    )
    messages.push(answer, user('go on'))
  }
}

/** A tool call, a failed try, a retry, then a branch from the first answer. */
async function recordTalk(store: Store): Promise<void> {
  const first = assistant(text('Looking.'), toolCall('t1', 'ls'))
  const asked = [user('look'), first, toolResult('t1', 'x.txt')]
  const at = 1_790_000_100_000
  const calls: readonly ScriptedCall[] = [
    { id: 'talk-a', at, messages: [user('look')], answer: first },
    { id: 'talk-b', at: at + 1000, messages: asked, answer: null },
    { id: 'talk-c', at: at + 2000, messages: asked, answer: assistant(text('One file.')) },
    {
      id: 'talk-d',
      at: at + 3000,
      messages: [user('look'), first, toolResult('t1', 'x.txt'), user('instead')],
      answer: assistant(text('Sure.')),
    },
    {
      id: 'talk-e',
      at: at + 4000,
      messages: [...asked, assistant(text('One file.')), user('and?')],
      answer: assistant(text('That is all.')),
    },
  ]
  for (const call of calls) await record(store, call, { kind: 'session', id: 'talk-1' })
}
