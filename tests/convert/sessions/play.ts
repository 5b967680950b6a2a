// Random scopes: a script says which client does what, the seed of each step how. fast-check makes and shrinks the scripts.

import fc from 'fast-check'
import type { SourceCall } from '../../../convert/source.ts'
import { user } from '../script.ts'
import { type ActName, acts } from './actions.ts'
import { type Client, openClient, type Style, say } from './client.ts'
import { deriveLanes, type TrueLanes } from './lanes.ts'
import { createRandom } from './random.ts'
import { deriveTruth, type Truth } from './truth.ts'
import { type ClockMode, createWorld } from './world.ts'

export interface Script {
  /** Style of each client that begins: a number each. */
  readonly starts: readonly number[]
  readonly steps: ReadonlyArray<{ readonly who: number; readonly act: ActName; readonly seed: number }>
  readonly clock: ClockMode
}

export interface Session {
  readonly calls: readonly SourceCall[]
  readonly truth: readonly Truth[]
  /** Null where several readings are right. */
  readonly lanes: TrueLanes | null
  readonly tally: ReadonlyMap<string, number>
}

const weights: Readonly<Record<ActName, number>> = {
  say: 5,
  tool: 8,
  retry: 3,
  fail: 2,
  abort: 4,
  rewind: 2,
  branch: 1,
  edit: 5,
  compact: 1,
  spawn: 2,
  finish: 3,
  side: 2,
  preamble: 1,
  twin: 1,
  resume: 1,
  reconnect: 1,
}

const actNames = (Object.keys(weights) as ActName[]).flatMap(name => Array<ActName>(weights[name]).fill(name))

export const scripts = (limits: { readonly steps: number; readonly clocks?: readonly ClockMode[] }): fc.Arbitrary<Script> =>
  fc.record({
    starts: fc.array(fc.nat(999), { minLength: 1, maxLength: 4 }),
    steps: fc.array(fc.record({ who: fc.nat(7), act: fc.constantFrom(...actNames), seed: fc.nat(1_000_000) }), {
      maxLength: limits.steps,
      size: 'max',
    }),
    clock: fc.constantFrom<ClockMode>(...(limits.clocks ?? ['exact', 'exact', 'exact', 'equal', 'inverted'])),
  })

export function readStyle(number: number): Style {
  const random = createRandom(number)
  const kind = random.below(10)
  return {
    declares: kind === 0 || kind === 1,
    ids: kind === 2 ? 'repeated' : kind === 3 ? 'rewritten' : 'own',
    reminds: kind === 4,
  }
}

export interface PlayOptions {
  readonly noise?: number | null
  readonly name?: string
}

export function play(script: Script, options: PlayOptions = {}): Session {
  const world = createWorld({ noise: options.noise ?? null, clock: script.clock, name: options.name ?? 'w' })
  const clients: Client[] = []
  for (const [index, number] of script.starts.entries()) {
    const style = readStyle(number)
    clients.push(
      openClient(world, {
        system: [`You are agent ${index} of ${world.options.name}.`, `You are an agent. ${say(world, 'Git status')}`],
        history: [user(say(world, 'First wish'))],
        style,
      }),
    )
  }
  for (const { who, act, seed } of script.steps) {
    const ready = clients.filter(client => !client.closed && client.waiting === 0)
    const client = ready[who % ready.length]
    if (client === undefined) break
    acts[act](world, client, createRandom(seed), clients)
  }
  const strict = script.clock === 'exact'
  const truth = deriveTruth(world.sent, strict)
  return { calls: world.log, truth, lanes: strict ? deriveLanes(world.sent, truth) : null, tally: world.tally }
}
