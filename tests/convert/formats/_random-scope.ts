// Random scopes for round trips: any blocks in any order and place, whether a client would send them or not.
import fc from 'fast-check'
import type { Boundary, FailedCall, Trajectory, TrajectorySet, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Block, Json, Message, Usage } from '../../../core/types.ts'
import { tools, usage } from '../script.ts'
import { generated, trajectory } from './_scope.ts'

const words = fc.oneof(fc.constant(''), fc.string({ maxLength: 6 }), fc.constant('a\n\nb'))
/** Few, so that results find their calls, and others' calls. */
const ids = fc.constantFrom('t1', 't2', 't3', '')
const extra = fc.option(fc.constantFrom<{ a: Json }[]>({ a: 1 }, { a: null }), { nil: undefined, freq: 3 })

function withExtra<T extends object>(block: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(block, extra).map(([plain, added]) => (added === undefined ? plain : { ...plain, extra: added }))
}

const input = fc.oneof(
  fc.constantFrom('{"a":1}', '{"a": 1}', '{"b":{}}').map(inputText => ({ input: JSON.parse(inputText) as Json, inputText })),
  fc.constantFrom('{"a', '', '[1]', '"x"', 'null').map(inputText => ({
    input: inputText === '' ? {} : inputText === '{"a' ? null : (JSON.parse(inputText) as Json),
    inputText,
  })),
  fc.constant({ input: { cut: true } as Json, inputText: 'not what the input says' }),
)

const flat: fc.Arbitrary<Block> = withExtra(
  fc.oneof(
    words.map(text => ({ kind: 'text', text }) as const),
    words.map(text => ({ kind: 'refusal', text }) as const),
    fc
      .constantFrom('image/png', 'image/webp', 'image/bmp', 'url')
      .map(mediaType => ({ kind: 'image', mediaType, data: 'aGk=' }) as const),
    fc.constant({ kind: 'opaque', type: 'x', raw: { x: [1, null] } } as const),
    fc
      .tuple(words, fc.constantFrom({}, { signature: 's' }, { redacted: 'r' }))
      .map(([text, rest]) => ({ kind: 'thinking', text, ...rest }) as const),
    fc.tuple(ids, input).map(([id, given]) => ({ kind: 'tool-call', id, name: 'bash', ...given }) as const),
  ),
)

const result: fc.Arbitrary<Block> = withExtra(
  fc
    .tuple(ids, fc.array(flat, { maxLength: 2 }), fc.boolean())
    .map(([callId, content, isError]) => ({ kind: 'tool-result', callId, content, isError }) as const),
)

function message(role: Message['role']): fc.Arbitrary<Message> {
  const any = fc.array(fc.oneof(flat, result), { maxLength: 4 })
  const usual = fc.tuple(fc.array(result, { maxLength: 2 }), fc.array(flat, { maxLength: 2 })).map(([a, b]) => [...a, ...b])
  return withExtra((role === 'user' ? fc.oneof(any, usual, usual) : any).map(blocks => ({ role, blocks })))
}

const spent: fc.Arbitrary<Usage | null> = fc.option(
  fc
    .record({
      input: fc.option(fc.nat(100)),
      cachedRead: fc.option(fc.nat(100)),
      cachedWriteOther: fc.option(fc.nat(100)),
      output: fc.option(fc.nat(100)),
    })
    .map(some => ({ ...usage(1, 2), ...some, serverTools: { web_search: 1 }, serviceTier: 'standard' })),
)

const tokens = fc.option(
  fc.record({
    ids: fc.array(fc.nat(9), { maxLength: 3 }),
    logprobs: fc.option(fc.array(fc.option(fc.constant(-0.5)), { maxLength: 3 })),
  }),
  { freq: 4 },
)

const step: fc.Arbitrary<(callId: string) => TrajectoryStep> = fc.oneof(
  fc
    .record({
      message: message('assistant'),
      usage: spent,
      costNanoUsd: fc.option(fc.nat()),
      partial: fc.boolean(),
      endedAt: fc.option(fc.nat()),
      turn: fc.option(fc.nat(5)),
      tokens,
    })
    .map(({ message, tokens, ...more }) => (callId: string) => ({ ...generated(message, callId, 1, more), tokens })),
  fc
    .record({
      message: fc.oneof(message('user'), message('user'), message('system'), message('assistant')),
      copied: fc.boolean(),
      tokens,
    })
    .map(fields => () => ({ ...fields, generation: null })),
)

const boundary: fc.Arbitrary<Omit<Boundary, 'step'>> = fc.record({
  callId: fc.constant('c'),
  type: fc.constantFrom('compaction', 'edit', 'preamble'),
  boundary: fc.constantFrom('replace', 'append', 'truncate'),
  edits: fc.array(fc.record({ kind: fc.constant('inserted' as const), block: fc.option(fc.oneof(flat, result)) }), {
    maxLength: 2,
  }),
  preamble: fc.option(fc.record({ system: fc.array(flat, { maxLength: 2 }), tools: fc.constantFrom([], tools) })),
})

const failed: fc.Arbitrary<FailedCall> = fc.record({ callId: fc.uuid(), usage: spent, costNanoUsd: fc.option(fc.nat()) })

const one = fc.record({
  steps: fc.array(step, { maxLength: 6 }),
  boundaries: fc.array(fc.tuple(fc.nat(7), boundary), { maxLength: 2 }),
  system: fc.array(flat, { maxLength: 2 }),
  tools: fc.constantFrom([], tools, [...tools, { name: 'x', description: '', schema: null, raw: { type: 'x' } }]),
  failed: fc.array(failed, { maxLength: 2 }),
  kind: fc.constantFrom<Trajectory['kind'][]>('root', 'fork', 'subagent', 'side', 'alternative', 'segment'),
  relation: fc.option(fc.constantFrom('subagent', 'subagent', 'fork', 'alternative'), { freq: 4 }),
  /** Which other trajectory it hangs on, before or after it. */
  parent: fc.nat(20),
  via: fc.option(ids),
  lane: fc.nat(4),
  metadata: fc.constantFrom<Json[]>(null, { a: 1 }, 'x'),
})

export const randomScope: fc.Arbitrary<TrajectorySet> = fc
  .tuple(
    fc.array(one, { minLength: 1, maxLength: 5 }),
    fc.array(failed, { maxLength: 1 }),
    fc.constantFrom('readable', 'exact', 'tokens'),
  )
  .map(([all, stray, policy]) => {
    const callsOf = (index: number): string[] => (all[index]?.steps ?? []).map((_, number) => `c${index}-${number}`)
    const trajectories = all.map(({ steps, boundaries, relation, parent, via, lane, ...rest }, index) =>
      trajectory(
        `id${index}`,
        steps.map((create, number) => create(callsOf(index)[number] ?? '')),
        {
          ...rest,
          policy,
          lane: `id${Math.min(lane, index)}`,
          boundaries: boundaries
            .map(([at, more]) => ({ ...more, step: Math.min(at, steps.length) }))
            .sort((a, b) => a.step - b.step),
          parent:
            relation === null
              ? null
              : { callId: callsOf(parent % all.length)[parent % 3] ?? 'nowhere', relation, link: 'textual', via },
        },
      ),
    )
    const scope = { kind: 'session', id: 's', name: 's', runId: null, task: null, agent: null, score: null } as const
    return { scope, policy, trajectories, ...(stray.length === 0 ? {} : { stray }) }
  })
