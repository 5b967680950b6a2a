// Runs the same agent again, in a fresh home and workspace and with another session id, answered from its recording alone: the provider
// behind the proxy counts whatever reaches it and answers nothing.

import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { openLibrary } from '../../proxy/replay/library.ts'
import { createReplay, type ReplayTally } from '../../proxy/replay/replay.ts'
import { startProxy } from '../../proxy/server.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'
import { openStore } from '../../store/open.ts'
import { type ConversationSeen, converse } from './conversation.ts'
import { closeAll, judgeTurns, key, nameOf, type Recorded, type Subject } from './record.ts'
import { listen, startDeadEnd } from './witness.ts'

export interface Replayed {
  readonly seen: ConversationSeen
  readonly tally: ReplayTally
  readonly upstreamCalls: readonly string[]
  /** Requests no protocol claims that nothing recorded answers; harmless unless the turns show it. */
  readonly missedBeside: readonly string[]
  readonly wrong: readonly string[]
}

export async function replay(subject: Subject, directory: string, recorded: Recorded): Promise<Replayed> {
  const store = await openStore(directory)
  const upstreamCalls: string[] = []
  const provider = http.createServer((request, response) => {
    upstreamCalls.push(`${request.method} ${request.url}`)
    response.writeHead(503).end()
  })
  const upstream = await listen(provider)
  const replaying = createReplay({
    library: await openLibrary({ store, ref: nameOf(subject), live: store }),
    onMiss: 'fail',
    timing: 'zero',
  })
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: singleUpstream(upstream),
    onRecordFailure: 'refuse',
    version: 'real-agents',
    layers: [replaying.layer],
    linkLayers: [replaying.linkLayer],
  })
  const deadEnd = await startDeadEnd()
  try {
    const base = `${proxy.url}/s/${nameOf(subject)}-again`
    const seen = await converse({ ...subject, base, key, uuid: randomUUID(), deadEnd: deadEnd.url })
    await proxy.drain(2000)
    const tally = replaying.tally()
    const missed = (await store.exchanges({})).filter(exchange => exchange.failure?.code === 'E_REPLAY_MISS')
    const missedBeside = missed.filter(exchange => exchange.protocol === null).map(({ method, path }) => `${method} ${path}`)
    const missedCalls = missed.filter(exchange => exchange.protocol !== null)
    const bad = (await store.verify()).bad.map(found => `verify: ${found.what}`)
    return {
      seen,
      tally,
      upstreamCalls,
      missedBeside,
      wrong: [
        ...judgeTurns(subject.variant, seen),
        ...compareFiles(recorded.seen, seen),
        ...upstreamCalls.map(call => `${call} reached the provider`),
        ...missedCalls.map(({ method, path, failure }) => `${method} ${path}: ${failure?.message}`),
        ...bad,
      ],
    }
  } finally {
    provider.close()
    provider.closeAllConnections()
    await closeAll(store, [deadEnd])
  }
}

function compareFiles(before: ConversationSeen, after: ConversationSeen): string[] {
  const paths = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])]
  return paths.filter(path => before.files[path] !== after.files[path]).map(path => `${path} is not what it was`)
}
