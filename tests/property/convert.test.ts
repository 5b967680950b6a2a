// Random sessions (turns, tools, retries, failures, forks, sub-agents, side calls, wire noise) through tree and lanes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildLanes } from '../../convert/lanes.ts'
import { createLoader } from '../../convert/load.ts'
import { findPolicy } from '../../convert/policies/_all.ts'
import type { PolicyId } from '../../convert/trajectory.ts'
import { buildTree } from '../../convert/tree.ts'
import type { Message } from '../../core/types.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, usage, user } from '../convert/script.ts'

type Step = 'tool' | 'say' | 'retry' | 'fail' | 'side' | 'switch' | 'rewind'
const steps = fc.array(fc.constantFrom<Step[]>('tool', 'say', 'retry', 'fail', 'side', 'switch', 'rewind'), { maxLength: 30 })

interface Session {
  readonly calls: readonly ScriptedCall[]
  /** Parent of each call as it was made; null = a fresh start. */
  readonly parents: ReadonlyMap<string, string | null>
}

/** Several conversations take turns; the script knows who continued whom. */
function play(script: readonly Step[], noisy: boolean): Session {
  const calls: ScriptedCall[] = []
  const parents = new Map<string, string | null>()
  const threads: Array<{ history: Message[]; last: string | null; past: Array<{ history: Message[]; last: string | null }> }> = []
  let current = 0
  const thread = () => (threads[current] ??= { history: [user(`start of conversation ${current}`)], last: null, past: [] })
  const send = (answer: Message | null) => {
    const id = `c${String(calls.length).padStart(3, '0')}`
    const { history, last } = thread()
    const messages = noisy ? history.map((message, index) => addNoise(message, index + calls.length)) : [...history]
    calls.push({ id, at: calls.length, messages, answer, usage: answer === null ? null : usage(calls.length + 1, 3, 7) })
    parents.set(id, last)
    return id
  }
  for (const [index, step] of script.entries()) {
    const now = thread()
    if (step === 'fail') send(null)
    else if (step === 'retry') send(assistant(text(`thrown away ${index}`)))
    else if (step === 'switch') current = (current + 1) % 3
    else if (step === 'side') {
      const id = `c${String(calls.length).padStart(3, '0')}`
      calls.push({
        id,
        at: calls.length,
        messages: [user(`title of ${index}`)],
        system: 'Titles.',
        answer: assistant(text(`Title ${index}`)),
        usage: usage(5, 1),
      })
      parents.set(id, null)
    } else if (step === 'rewind') {
      const back = now.past[Math.floor(now.past.length / 2)]
      if (back !== undefined) Object.assign(now, { history: [...back.history, user(`instead ${index}`)], last: back.last })
    } else {
      const answer =
        step === 'tool'
          ? assistant(text(`Step ${index}.\n`), toolCall(`t${index}`, `run ${index}`))
          : assistant(text(`Said ${index}.`))
      const id = send(answer)
      now.past.push({
        history: [...now.history, answer, ...(step === 'tool' ? [toolResult(`t${index}`, `out ${index}`)] : [])],
        last: id,
      })
      now.history = [...now.history, answer, step === 'tool' ? toolResult(`t${index}`, `out ${index}`) : user(`next ${index}`)]
      now.last = id
    }
  }
  return { calls, parents }
}

function addNoise(message: Message, seed: number): Message {
  const blocks = message.blocks.map(block => {
    if (seed % 3 === 0) return { ...block, extra: { cache_control: { type: 'ephemeral' } } }
    if (block.kind === 'text' && message.role === 'assistant') return { ...block, text: block.text.trimEnd() }
    if (block.kind === 'tool-call')
      return { ...block, input: { command: 'x', replace_all: false }, inputText: `{"command":"x","replace_all":${seed}}` }
    return block
  })
  return {
    ...message,
    blocks: seed % 2 === 0 && message.role === 'assistant' ? [{ kind: 'thinking', text: 'hm' }, ...blocks] : blocks,
  }
}

function convert(calls: readonly ScriptedCall[], policy: PolicyId = 'readable') {
  const loader = createLoader()
  // As loadScope does: by time, then id.
  for (const call of [...calls].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))) loader.add(decode(call))
  const tree = buildTree({ ...loader.finish(), undecodable: 0 }, 'scope')
  const found = buildLanes(tree)
  const { lanes, stray } = found
  const rows = [...findPolicy(policy).build(tree, found)]
  return { tree, lanes, stray, rows }
}

const sum = (used: ReturnType<typeof usage> | null | undefined) =>
  (used?.input ?? 0) + (used?.cachedRead ?? 0) + (used?.output ?? 0)

describe.each(['readable', 'calls'] as const)('conversion under the %s policy', policy => {
  it('exports every generation exactly once, loses no call and no token', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (script, noisy) => {
        const { calls } = play(script, noisy)
        const { rows, stray, tree } = convert(calls, policy)
        const generated = rows.flatMap(row => row.steps.flatMap(step => step.generation ?? []))
        expect(generated.map(one => one.callId).sort()).toEqual(calls.filter(call => call.answer !== null).map(call => call.id))
        const failed = [...rows.flatMap(row => row.failed.map(call => call.callId)), ...stray.map(call => call.call.id)]
        expect(failed.sort()).toEqual(calls.filter(call => call.answer === null).map(call => call.id))
        expect(tree.calls).toHaveLength(calls.length)
        const tokens = generated.reduce((total, one) => total + sum(one.usage), 0)
        expect(tokens).toBe(calls.reduce((total, call) => total + sum(call.usage), 0))
      }),
      { numRuns: 150 },
    )
  })
})

describe('conversion', () => {
  it('finds the parent that the script knows', () => {
    fc.assert(
      fc.property(steps, fc.boolean(), (script, noisy) => {
        const { calls, parents } = play(script, noisy)
        const { tree } = convert(calls)
        for (const { call, link } of tree.calls)
          expect([call.id, link.parent === null ? null : tree.calls[link.parent]?.call.id]).toEqual([
            call.id,
            parents.get(call.id),
          ])
      }),
      { numRuns: 150 },
    )
  })

  it('does not depend on the order of records', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (script, random) => {
        const { calls } = play(script, true)
        const shuffled = calls.map(call => ({ call, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at)
        expect(JSON.stringify(convert(shuffled.map(one => one.call)).rows)).toBe(JSON.stringify(convert(calls).rows))
      }),
      { numRuns: 60 },
    )
  })

  it('has the same lanes with and without wire noise', () => {
    fc.assert(
      fc.property(steps, script => {
        const lanes = (noisy: boolean) =>
          convert(play(script, noisy).calls).lanes.map(lane => lane.steps.map(step => step.call.call.id))
        expect(lanes(true)).toEqual(lanes(false))
      }),
      { numRuns: 100 },
    )
  })

  it('never loses a generation when more calls are added', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 30 }), (script, cut) => {
        const { calls } = play(script, false)
        const before = calls.slice(0, cut)
        const generated = (some: readonly ScriptedCall[]) =>
          new Set(convert(some).rows.flatMap(row => row.steps.flatMap(step => step.generation?.callId ?? [])))
        const all = generated(calls)
        for (const id of generated(before)) expect(all.has(id)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
