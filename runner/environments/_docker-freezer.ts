// Makes everything in a container stand still between two requests of a conversation, by signals: a paused container would take no command.
// The shell that sends them and the container's first process are spared by the kernel, and no process outruns one signal to all.

import { TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { runScript } from './_docker-container.ts'

interface Freezable {
  readonly container: Parameters<typeof runScript>[0]
  isFrozen: boolean
  /** Ids, as the container sees them, of what stands still. */
  frozen: readonly string[]
}

/** With nobody left to signal, kill fails: as good. */
const signalScript = `kill -s "$1" -- -1 2>/dev/null
for each in /proc/[0-9]*; do [ "\${each#/proc/}" = $$ ] || echo "\${each#/proc/}"; done; :`

export function createFreezer(live: Freezable): Required<Pick<Environment, 'freeze' | 'thaw'>> {
  const signal = async (name: 'STOP' | 'CONT'): Promise<string[]> => {
    const { exit, stdout, stderr } = await runScript(live.container, signalScript, [name])
    if (exit !== 0) throw new TurnpikeError('E_ENVIRONMENT_FAILED', `processes cannot be sent ${name}: ${stderr.trim()}`)
    return stdout.split('\n').filter(line => line !== '')
  }
  return {
    freeze: async () => {
      live.frozen = await signal('STOP')
      live.isFrozen = true
    },
    thaw: async () => {
      if (!live.isFrozen) return
      live.isFrozen = false
      live.frozen = []
      await signal('CONT')
    },
  }
}
