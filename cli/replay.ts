// `--replay`: the recording opened, the layer that answers from it, and what came of it in words. The same way for `turnpike proxy`
// and `turnpike run`.

import { existsSync } from 'node:fs'
import type { Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { ForwardLayer } from '../proxy/forward.ts'
import type { ReplayTally } from '../proxy/replay/replay.ts'
import type { LinkLayer } from '../proxy/websocket/link.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { useStoreAt } from './store-access.ts'

export interface OpenedReplay {
  readonly layers: readonly ForwardLayer[]
  readonly linkLayers: readonly LinkLayer[]
  /** What the REF stood for; null without `--replay`. `latest` means something else once a run has begun. */
  readonly refId: string | null
  readonly simulated: boolean
  /** Null without `--replay`. */
  readonly describe: () => string | null
  readonly close: () => Promise<void>
}

/** For the commands that have them as flags. */
export const replayKeys: readonly string[] = ['replay.ref', 'replay.on_miss', 'replay.timing', 'replay.store']

const none: OpenedReplay = {
  layers: [],
  linkLayers: [],
  refId: null,
  simulated: false,
  describe: () => null,
  close: async () => undefined,
}

/** Before the store is opened: a mistake must not leave an empty one behind. */
export async function checkReplay({ replay, store }: Config): Promise<void> {
  const { ref } = replay
  if (ref === null) return
  const directory = replay.store ?? store
  if (!existsSync(directory))
    throw new TurnpikeError('E_STORE_UNREADABLE', `there is no store at ${directory} to replay from`, {
      hint: 'name the store of the recording with --replay-store, or record something first: turnpike proxy',
    })
  if (directory !== store) await useStoreAt(directory, { readOnly: true }, source => source.resolveRef(ref))
}

export async function openReplay(config: Config, live: Store): Promise<OpenedReplay> {
  const { ref, onMiss, timing, store } = config.replay
  if (ref === null) return none
  // Loaded here: commands that only look into the store must start fast.
  const { openLibrary } = await import('../proxy/replay/library.ts')
  const { createReplay } = await import('../proxy/replay/replay.ts')
  const source = store === null || store === config.store ? live : await openStore(store, { readOnly: true })
  const close = async (): Promise<void> => {
    if (source !== live) await source.close()
  }
  try {
    const library = await openLibrary({ store: source, ref, live })
    const { layer, linkLayer, tally } = createReplay({ library, onMiss, timing })
    const { kind, name, id } = library.ref
    return {
      layers: [layer],
      linkLayers: [linkLayer],
      refId: id,
      simulated: library.simulated,
      describe: () => `replay of ${kind} ${name} (${library.size} recorded): ${describeTally(tally())}`,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const ruleWords = {
  bytes: 'same bytes',
  request: 'same request',
  place: 'same place in the conversation',
  order: 'in order',
  repeat: 'repeated probes',
} as const

function describeTally({ matched, missed, forwarded }: ReplayTally): string {
  const rules = Object.entries(matched).filter(([, count]) => count > 0)
  const sum = rules.reduce((total, [, count]) => total + count, 0)
  const how = rules.map(([rule, count]) => `${count} ${ruleWords[rule as keyof typeof ruleWords]}`).join(', ')
  const misses = forwarded > 0 ? `${missed} not on record and forwarded` : `${missed} not on record`
  return `${sum} answered${how === '' ? '' : ` (${how})`}, ${misses}`
}
