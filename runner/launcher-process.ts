// The small process that starts commands for a large one (launcher.ts): it is told what to run, runs it, and says how it ended. It lives as long as
// the channel to whoever started it, and knows nothing of trials.

import type { FromLauncher, ToLauncher } from './launcher.ts'
import { runGroup } from './processes.ts'

interface Running {
  readonly controller: AbortController
  lookedAfter: () => void
}

const running = new Map<number, Running>()

const send = (message: FromLauncher): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined)
}

process.on('disconnect', () => process.exit(0))
process.on('message', (message: unknown) => {
  const told = message as ToLauncher
  if (told.kind === 'run') void run(told)
  else if (told.kind === 'abort') running.get(told.id)?.controller.abort()
  else running.get(told.id)?.lookedAfter()
})
send({ kind: 'ready' })

async function run({ id, order }: Extract<ToLauncher, { kind: 'run' }>): Promise<void> {
  const job: Running = { controller: new AbortController(), lookedAfter: () => undefined }
  running.set(id, job)
  const { terminates, looksAfter, ...options } = order
  const result = await runGroup({
    ...options,
    signal: job.controller.signal,
    ...(terminates ? { terminate: (group: number) => send({ kind: 'terminate', id, group }) } : {}),
    ...(looksAfter
      ? {
          onExit: async (group: number, told: Promise<string>) => {
            const lookedAfter = new Promise<void>(resolve => {
              job.lookedAfter = resolve
            })
            send({ kind: 'ended', id, group, told: await told })
            await lookedAfter
          },
        }
      : {}),
  })
  running.delete(id)
  send({ kind: 'result', id, result })
}
