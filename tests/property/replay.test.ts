// Matching as a whole: sessions of several conversations, asked again in another interleaving, in another directory, on another day.
import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { protocolById } from '../../protocols/_all.ts'
import { type Fingerprint, readFingerprint } from '../../proxy/replay/fingerprint.ts'
import { type Matchable, matchBytes, matchMeaning } from '../../proxy/replay/match.ts'

const adapter = protocolById('anthropic-messages')

/** What differs between two runs of the same work. */
interface World {
  readonly directory: string
  readonly day: string
  readonly uuid: string
}

type Kind = 'main' | 'title' | 'subagent'
interface Plan {
  readonly kind: Kind
  readonly subject: string
  /** What the model does at each step; its words and the ids of its calls come from the record. */
  readonly steps: ReadonlyArray<{ readonly tool: boolean; readonly say: string; readonly retries: number }>
}

const systems: Record<Kind, string> = {
  main: 'You are an agent that writes code with tools, carefully, and tests what it wrote before it says that it is done.',
  title: 'Generate a short title for this conversation. Answer with the title and nothing else at all.',
  subagent: 'You were started by another agent to research one question. Report what you found, do not change any files.',
}

function writeBody(plan: Plan, index: number, step: number, world: World): string {
  const messages: object[] = [{ role: 'user', content: `${plan.subject}\n<env>cwd ${world.directory} today ${world.day}</env>` }]
  for (const [at, { tool, say }] of plan.steps.slice(0, step).entries()) {
    const id = `toolu_${index}_${at}`
    const call = { type: 'tool_use', id, name: 'bash', input: { command: say } }
    messages.push({ role: 'assistant', content: [{ type: 'text', text: say }, ...(tool ? [call] : [])] })
    const output = `${world.directory}/out at ${world.day}: ${world.uuid}`
    messages.push({
      role: 'user',
      content: tool ? [{ type: 'tool_result', tool_use_id: id, content: output }] : `Go on with ${plan.subject}`,
    })
  }
  const tools = plan.kind === 'title' ? [] : plan.kind === 'main' ? ['bash', 'edit', 'write', 'task'] : ['bash', 'edit', 'write']
  return JSON.stringify({
    model: plan.kind === 'title' ? 'small' : 'large',
    max_tokens: 100,
    system: `${systems[plan.kind]} Working directory: ${world.directory}. Today is ${world.day}.`,
    metadata: { user_id: world.uuid },
    tools: tools.map(name => ({ name, description: `does ${name}`, input_schema: { type: 'object' } })),
    messages,
  })
}

interface Asked extends Matchable {
  /** Which conversation, step and retry it is: what must be found again. */
  readonly label: string
  readonly print: Fingerprint | null
}

/** Calls of one conversation, in their order: each step once, and again for each retry. */
function callsOf(plan: Plan, index: number, world: World): Asked[] {
  return plan.steps.flatMap(({ retries }, step) => {
    const body = writeBody(plan, index, step, world)
    const print = readFingerprint(JSON.parse(body), adapter, { path: '/v1/messages', query: '' })
    const bodySha256 = hash('sha256', body, 'hex')
    return Array.from({ length: retries + 1 }, (_, retry) => ({
      label: `${index}.${step}.${retry}`,
      print,
      protocol: 'anthropic-messages',
      query: '',
      bodySha256,
      turn: null,
      attempt: null,
    }))
  })
}

/** Mixes the conversations, each keeping its own order. */
function interleave(conversations: readonly (readonly Asked[])[], picks: readonly number[]): Asked[] {
  const queues = conversations.map(calls => [...calls])
  const mixed: Asked[] = []
  for (let at = 0; queues.some(queue => queue.length > 0); at++) {
    const open = queues.filter(queue => queue.length > 0)
    const next = open[(picks[at % picks.length] ?? 0) % open.length]?.shift()
    if (next !== undefined) mixed.push(next)
  }
  return mixed
}

function replay(recorded: readonly Asked[], asked: readonly Asked[]): Array<string | null> {
  const used = new Set<Asked>()
  return asked.map(request => {
    const unused = recorded.filter(entry => !used.has(entry))
    const match = matchBytes(request, unused) ?? matchMeaning(request, request.print, unused, entry => entry.print)
    if (match !== null) used.add(match.candidate)
    return match?.candidate.label ?? null
  })
}

const word = fc.stringMatching(/^[a-z]{3,9}$/)
const sentence = fc.array(word, { minLength: 6, maxLength: 20 }).map(words => words.join(' '))
const step = fc.record({ tool: fc.boolean(), say: sentence, retries: fc.constantFrom(0, 0, 0, 1, 2) })
const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom<Kind>('main', 'title', 'subagent'),
  subject: sentence,
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
})
const plans = fc.uniqueArray(plan, { minLength: 1, maxLength: 4, selector: ({ subject }) => subject })
const picks = fc.array(fc.nat(9), { minLength: 1, maxLength: 20 })
const then: World = { directory: '/var/one-a1b2c3/work', day: '2026-01-02', uuid: '11111111-2222-4333-8444-555555555555' }
const now: World = { directory: '/opt/elsewhere', day: '2026-11-21', uuid: '99999999-8888-4777-a666-555555555555' }

describe('a session replayed', () => {
  it('finds every call again, whatever the interleaving, the directory and the day', () => {
    fc.assert(
      fc.property(plans, picks, picks, (conversations, before, after) => {
        const recorded = interleave(
          conversations.map((each, index) => callsOf(each, index, then)),
          before,
        )
        const asked = interleave(
          conversations.map((each, index) => callsOf(each, index, now)),
          after,
        )
        expect(replay(recorded, asked)).toEqual(asked.map(({ label }) => label))
      }),
      { numRuns: 150 },
    )
  })

  it('takes no answer of another conversation for one that is not on record', () => {
    fc.assert(
      fc.property(plans, picks, fc.nat(3), (conversations, order, left) => {
        const missing = left % conversations.length
        const recorded = interleave(
          conversations.map((each, index) => (index === missing ? [] : callsOf(each, index, then))),
          order,
        )
        const calls = callsOf(conversations[missing] ?? { kind: 'main', subject: '', steps: [] }, missing, now)
        expect(replay(recorded, calls)).toEqual(calls.map(() => null))
      }),
      { numRuns: 150 },
    )
  })

  it('uses no recorded call twice, and gives the same matches for the same questions', () => {
    fc.assert(
      fc.property(plans, picks, (conversations, order) => {
        const recorded = interleave(
          conversations.map((each, index) => callsOf(each, index, then)),
          order,
        )
        const asked = [...recorded, ...recorded]
        const found = replay(recorded, asked)
        const labels = found.filter(label => label !== null)
        expect(new Set(labels).size).toBe(labels.length)
        expect(found.slice(recorded.length)).toEqual(recorded.map(() => null))
        expect(replay(recorded, asked)).toEqual(found)
      }),
      { numRuns: 50 },
    )
  })
})
