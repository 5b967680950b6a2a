// `turnpike run --json`: each event of the run as a line of JSON on standard output, in the order in which things happened. The first line
// says in which version; the last one is the result, or the error. docs/runs.md and schemas/run-events.schema.json describe them.

import type { JsonObject, RunEvent } from '../core/types.ts'
import type { Output } from './commands/_command.ts'
import { snakeKeys } from './json-keys.ts'

/** Of the shape of the lines: raised when a reader must know of a change; new events and new keys are none. */
export const streamVersion = 1

export interface RunStream {
  readonly event: (event: RunEvent) => void
  /** Resolves when all lines have been taken. */
  readonly end: () => Promise<void>
}

export function openRunStream(output: Pick<Output, 'writeJson'>, turnpikeVersion: string): RunStream {
  let failure: unknown = null
  let writing: Promise<void> = Promise.resolve()
  const write = (line: object): void => {
    writing = writing
      .then(() => (failure === null ? output.writeJson(line) : undefined))
      .catch((error: unknown) => {
        failure ??= error
      })
  }
  write({ event: 'stream-opened', version: streamVersion, turnpike: turnpikeVersion })
  return {
    event: event => write(writeEvent(event)),
    end: async () => {
      await writing
      if (failure !== null) throw failure
    },
  }
}

/** Names that others gave (rewards by key) keep their form. */
const foreignKeys = ['rewards'] as const

export function writeEvent({ type, id, runId, trialId, at, data }: RunEvent): object {
  const facts = (data ?? {}) as JsonObject
  const foreign = Object.fromEntries(foreignKeys.flatMap(key => (facts[key] === undefined ? [] : [[key, facts[key]]])))
  return {
    event: type,
    id,
    at: new Date(at).toISOString(),
    run: runId,
    trial: trialId,
    data: { ...snakeKeys(facts), ...foreign },
  }
}
