// A converting thread: does one job after the other and sends the rows as bytes, never more ahead than the other side allows.
// Started by pool.ts; speaks thread-messages.ts and nothing else.

import { parentPort, workerData } from 'node:worker_threads'
import { assert, asTurnpikeError } from '../core/errors.ts'
import { writeFailure } from '../store/failure-text.ts'
import { startCounts } from './conversion-counts.ts'
import { type ConversionJob, createJobRunner } from './job.ts'
import { createBreath } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import { type FromThread, type ThreadOptions, type ToThread, unclaimedBytesMax } from './thread-messages.ts'

assert(parentPort, 'a converting thread has a parent')
const port = parentPort
const { plan } = workerData as ThreadOptions
const runner = createJobRunner()
const breathe = createBreath()

let unclaimed = 0
let claimed: () => void = () => {}
let answer: (ids: ReadonlySet<string>) => void = () => {}

function send(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

async function runJob(job: ConversionJob): Promise<void> {
  const counts = startCounts()
  const sights: ScopeSight[] = []
  let calls = 0
  const tell = (): void => {
    if (calls > 0) send({ kind: 'calls', calls })
    calls = 0
  }
  const batches = runner.run(job, plan, {
    counts,
    breathe,
    onCall: () => {
      calls += 1
      if (calls >= 50) tell()
    },
    onSight: sight => sights.push(sight),
    leaveOut: (scope, prints) =>
      new Promise(resolve => {
        answer = resolve
        send({ kind: 'prints', scope, prints })
      }),
  })
  for await (const batch of batches) {
    tell()
    while (unclaimed > unclaimedBytesMax) await new Promise<void>(resolve => (claimed = resolve))
    unclaimed += batch.bytes.length
    send({ kind: 'rows', ...batch }, [batch.bytes.buffer as ArrayBuffer])
  }
  tell()
  send({ kind: 'done', counts, sights })
}

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'job':
      runJob(message.job).catch((error: unknown) => send({ kind: 'failed', failure: writeFailure(asTurnpikeError(error)) }))
      break
    case 'leave-out':
      answer(message.ids)
      break
    case 'taken':
      unclaimed -= message.bytes
      claimed()
      break
    case 'end':
      void runner.close().finally(() => port.close())
  }
})
