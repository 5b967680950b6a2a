// Makes everything in a container stand still between two requests of a conversation, by signals: a paused container would take no command.
// The shell that sends them and the container's first process are spared by the kernel.

import { TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { runScript } from './_docker-container.ts'

interface Freezable {
  readonly container: Parameters<typeof runScript>[0]
  isFrozen: boolean
}

export function createFreezer(live: Freezable): Required<Pick<Environment, 'freeze' | 'thaw'>> {
  const signal = async (name: 'STOP' | 'CONT'): Promise<void> => {
    // With nobody left to signal, kill fails: as good.
    const { exit, stderr } = await runScript(live.container, `kill -s ${name} -- -1 2>/dev/null || true`, [])
    if (exit !== 0) throw new TurnpikeError('E_ENVIRONMENT_FAILED', `processes cannot be sent ${name}: ${stderr.trim()}`)
  }
  return {
    freeze: async () => {
      await signal('STOP')
      live.isFrozen = true
    },
    thaw: async () => {
      if (!live.isFrozen) return
      live.isFrozen = false
      await signal('CONT')
    },
  }
}
