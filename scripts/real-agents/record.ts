// Records two turns of one real agent through the proxy with the simulated provider behind it, and judges the recording.

import { randomUUID } from 'node:crypto'
import { decodeExchanges } from '../../convert/decode.ts'
import { startProxy } from '../../proxy/server.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'
import { parseScript } from '../../scenarios/simulated/script.ts'
import { startSimulated } from '../../scenarios/simulated/server.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import type { RealAgent, Variant } from './agents/_agent.ts'
import { type Compared, compareCopies } from './compare.ts'
import { type ConversationSeen, converse, promptsOf } from './conversation.ts'
import { startDeadEnd, startWitness } from './witness.ts'

const script = parseScript(
  `version: 1
rules:
  - when: { user: "hello.txt" }
    steps: [{ text: "I will write it.", shell: "echo hi > hello.txt" }, { text: "Done: hello.txt says hi." }]
  - when: { user: "bye" }
    steps: [{ thinking: "Overwrite it.", shell: "echo bye > hello.txt" }, { text: "Done: hello.txt says bye." }]
`,
  'real-agents.yaml',
)

export interface Subject {
  readonly agent: RealAgent
  readonly variant: Variant
  readonly installed: string
  readonly timeoutMs: number
  readonly keep: boolean
  /** Whether calls come with the session's name in the path, or only with what the agent says of itself. */
  readonly named: boolean
}

export interface Recorded extends Compared {
  readonly seen: ConversationSeen
  /** Hosts it tried to reach beside its provider, as far as it uses a proxy for that. */
  readonly wanted: readonly string[]
  /** How the proxy answered those who asked for a WebSocket. */
  readonly upgrades: ReadonlyArray<number | null>
}

export const key = 'sk-placeholder-0001'
export const nameOf = ({ agent, variant }: Pick<Subject, 'agent' | 'variant'>): string => `${agent.id}-${variant.id}`

export async function record(subject: Subject, directory: string): Promise<Recorded> {
  const store = await openStore(directory)
  const simulated = await startSimulated({ seed: 1, script })
  const back = await startWitness(simulated.url)
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: singleUpstream(back.url),
    onRecordFailure: 'refuse',
    version: 'real-agents',
  })
  const front = await startWitness(proxy.url)
  const deadEnd = await startDeadEnd()
  try {
    const base = subject.named ? `${front.url}/s/${nameOf(subject)}` : front.url
    const seen = await converse({ ...subject, base, key, uuid: randomUUID(), deadEnd: deadEnd.url })
    await proxy.drain(2000)
    await decodeExchanges(store, {})
    const compared = await compareCopies({ store, front, back }, subject.variant)
    const wrong = [...judgeTurns(subject.variant, seen), ...compared.wrong, ...judgeSessions(subject, compared)]
    const upgrades = front.upgrades.map(upgrade => upgrade.status())
    return { ...compared, wrong, seen, wanted: [...deadEnd.wanted], upgrades }
  } finally {
    await closeAll(store, [front, back, deadEnd])
    await simulated.close()
  }
}

export async function closeAll(store: Store, servers: ReadonlyArray<{ readonly close: () => void }>): Promise<void> {
  await store.close()
  for (const server of servers) server.close()
}

export function judgeTurns(variant: Variant, { turns }: ConversationSeen): string[] {
  const wrong = promptsOf(variant).flatMap((_, index) => {
    const turn = turns[index]
    const expected = ['hi', 'bye'][index] ?? ''
    if (turn === undefined) return [`turn ${index + 1} could not be started`]
    if (turn.timedOut) return [`turn ${index + 1} did not end`]
    return turn.file === expected ? [] : [`after turn ${index + 1} hello.txt says ${turn.file ?? 'nothing'} (exit ${turn.exit})`]
  })
  return wrong
}

function judgeSessions({ agent, variant, named }: Subject, { sessions, ownSessions }: Compared): string[] {
  const own = ownSessions.length === 0 ? 'default' : ownSessions[0]
  const expected = named ? `${agent.id}-${variant.id}` : own
  const others = sessions.filter(session => session !== expected && session !== 'default')
  if (!sessions.includes(expected ?? '')) return [`the session ${expected} is missing; there are ${sessions.join(', ')}`]
  return others.length === 0 ? [] : [`sessions beside ${expected}: ${others.join(', ')}`]
}
