// Whole records for tests that care for a few of their fields: what a test is about, it says itself; the rest is here, and plain.
import type { TaskEnvironment } from '../core/task.ts'
import type { Exchange, Run, Trial, Usage } from '../core/types.ts'
import type { Policy } from '../runner/policy.ts'

/** An answered call of a session. */
export const makeExchange = (change: Partial<Exchange> = {}): Exchange => ({
  id: 'E1',
  scope: { kind: 'session', id: 's' },
  turn: null,
  attempt: null,
  protocol: 'anthropic-messages',
  route: null,
  method: 'POST',
  path: '/v1/messages',
  query: '',
  requestHeaders: [],
  requestBytes: 0,
  requestSha256: '',
  status: 200,
  responseHeaders: [],
  responseBytes: 0,
  responseSha256: '',
  outcome: 'complete',
  failure: null,
  providerRequestId: null,
  retries: 0,
  startedAt: 1,
  firstByteAt: 1,
  endedAt: 2,
  ...change,
})

/** Nothing was counted, as a provider says it. */
export const makeUsage = (change: Partial<Usage> = {}): Usage => ({
  input: 0,
  cachedRead: 0,
  cachedWrite5m: 0,
  cachedWrite1h: 0,
  cachedWriteOther: null,
  output: 0,
  reasoning: null,
  serverTools: {},
  serviceTier: null,
  source: 'wire',
  inconsistent: false,
  raw: null,
  mapping: 'test/1',
  ...change,
})

/** A finished run of two turns. */
export const makeRun = (change: Partial<Run> = {}): Run => ({
  id: 'r',
  name: 'run',
  state: 'finished',
  config: {},
  turnpikeVersion: '0.1.0',
  simulated: false,
  plannedTurns: 2,
  startedAt: 1,
  endedAt: 2,
  ...change,
})

/** One that has ended, of that run. */
export const makeTrial = (change: Partial<Trial> = {}): Trial => ({
  id: 't1',
  runId: 'r',
  name: 'task.mini.1',
  taskId: 'task',
  agent: 'mini',
  model: null,
  index: 1,
  plannedTurns: 1,
  state: 'ended',
  outcome: null,
  turn: null,
  attempt: null,
  snapshots: null,
  startedAt: 1,
  endedAt: 2,
  ...change,
})

/** One attempt, no feedback, the whole task. */
export const makePolicy = (change: Partial<Policy> = {}): Policy => ({
  attempts: 1,
  feedback: 'none',
  onFailure: 'continue',
  freshSession: false,
  fromTurn: 1,
  toTurn: null,
  agentTimeoutMs: 1_000,
  ...change,
})

/** A place made of an image, with no wishes beside it. */
export const makePlace = (image: string, change: Partial<TaskEnvironment> = {}): TaskEnvironment => ({
  image: { kind: 'name', name: image },
  cpus: null,
  memoryMb: null,
  storageMb: null,
  network: { mode: 'proxy', hosts: [] },
  env: {},
  workdir: null,
  healthcheck: null,
  buildTimeoutMs: 60_000,
  ...change,
})
