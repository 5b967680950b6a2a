// A converting thread: does one job after the other and sends the rows as bytes, never more ahead than the other side allows.
// Started by pool.ts through an entry of whoever wires it; speaks thread-messages.ts and nothing else.

import { parentPort, workerData } from 'node:worker_threads'
import { assert, asTurnpikeError } from '../core/errors.ts'
import { writeFailure } from '../store/failure-text.ts'
import { describeUndecodable, startCounts } from './conversion-counts.ts'
import { type ConversionJob, createJobRunner, type RunnerOptions } from './job.ts'
import { createBreath } from './scope-conversion.ts'
import type { ScopeSight } from './scope-facts.ts'
import { type FromThread, type ThreadOptions, type ToThread, unclaimedBytesMax } from './thread-messages.ts'

/** Undecodable exchanges of a job that are described; the others are counted. */
const reasonsMax = 5

export function serveThread(options: RunnerOptions): void {
  assert(parentPort, 'a converting thread has a parent')
  const port = parentPort
  const { plan } = workerData as ThreadOptions
  const runner = createJobRunner(options)
  const breathe = createBreath()
  let unclaimed = 0
  let claimed = (): void => {}
  let answer: (ids: ReadonlySet<string>) => void = () => {}
  const send = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

  const runJob = async (job: ConversionJob): Promise<void> => {
    const counts = startCounts()
    const sights: ScopeSight[] = []
    const reasons: string[] = []
    let calls = 0
    const tell = (): void => {
      if (calls > 0) send({ kind: 'calls', calls })
      calls = 0
    }
    const batches = runner.run(job, plan, {
      counts,
      breathe,
      onCall: call => {
        if ('reason' in call && reasons.length < reasonsMax) reasons.push(describeUndecodable(call))
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
    send({ kind: 'done', counts, sights, reasons })
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
}
