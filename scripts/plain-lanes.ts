// Which conversation each call of a recorded agent belongs to, read off the recorder's own labels and the agents' own marks, without any
// of the product's code: the other opinion that scripts/check-lanes.ts holds the call tree against.
// Labels (`note`): `turn3.1` = third user turn, second model call; `sub1.0` = first sub-agent; `side-…` = a call that fits no turn.

import { readAnswer } from './plain-reading.ts'

export interface CaptureRow {
  readonly method: string
  readonly path: string
  readonly note: string | null
  readonly request_headers: unknown
  readonly request_body: string | null
  readonly status: number
  readonly response_body: string | null
}

export interface ExpectedCall {
  /** As messages name the call: its number and label. */
  readonly name: string
  /** Calls of one conversation have the same; null = no answer of a model, or none that says anything. */
  readonly lane: string | null
  readonly kind: 'main' | 'subagent' | 'side'
  /** Only a mark of the agent's own tells it from the conversation's next call: it repeats the whole history. */
  readonly repeatsMain: boolean
  /** The user's turn it belongs to, as far as the label or its neighbours say. */
  readonly turn: number | null
}

type Headers = Readonly<Record<string, string>>

function readHeaders(headers: unknown): Headers {
  const pairs = Array.isArray(headers) ? (headers as Array<[string, string]>) : Object.entries((headers ?? {}) as Headers)
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), String(value)]))
}

const protocols: ReadonlyArray<readonly [RegExp, string]> = [
  [/\/v1\/messages$/, 'anthropic-messages'],
  [/\/chat\/completions$/, 'openai-chat'],
  [/\/responses$/, 'openai-responses'],
  [/:(stream)?[gG]enerateContent$/, 'gemini'],
]

function saysSomething(row: CaptureRow): boolean {
  const protocol = protocols.find(([pattern]) => pattern.test(row.path.split('?')[0] ?? ''))?.[1]
  if (protocol === undefined || row.response_body === null) return false
  if (row.method !== 'WS' && (row.status < 200 || row.status > 299)) return false
  const { text, thinking, toolCalls } = readAnswer(protocol, row.response_body)
  return text !== '' || thinking !== '' || toolCalls.length > 0
}

/** What the agent's own marks say of a call: a word for its label, where scrubbing would leave no mark. */
export function markOf(row: CaptureRow): 'compaction' | 'repetition' | null {
  const headers = readHeaders(row.request_headers)
  if (row.note?.includes('compaction') === true || isCompaction(row, headers)) return 'compaction'
  return row.note?.includes('repetition') === true || isMarkedSide(row, headers) ? 'repetition' : null
}

/** A call beside the conversation that repeats all of it. */
function isMarkedSide(row: CaptureRow, headers: Headers): boolean {
  if (/^xai-(turn-summary|title-refresh)-/.test(headers['x-grok-req-id'] ?? '')) return true
  return row.request_body?.includes('You are now acting as the managed memory extraction subagent') === true
}

/** A summary asked for in the conversation, which goes on from it. */
function isCompaction(row: CaptureRow, headers: Headers): boolean {
  if (/"request_kind":\s*"compaction"/.test(headers['x-codex-turn-metadata'] ?? '')) return true
  return row.request_body?.includes('You are performing a CONTEXT CHECKPOINT COMPACTION') === true
}

/** `separateTurns`: an agent that cannot resume a session begins a conversation with every turn. */
export function expectLanes(rows: readonly CaptureRow[], separateTurns = false): ExpectedCall[] {
  let turn: number | null = null
  const turnOfSub = new Map<string, number | null>()
  return rows.map((row, index) => {
    const [, word = '', number = ''] = /\b(turn|sub)(\d+)\.\d+\b/.exec(row.note ?? '') ?? []
    const name = `#${index} ${
      row.note
        ?.replace(/ prev=\S+|ws-msg |client-closed-early/g, '')
        .replace(/ +/g, ' ')
        .trim() || '-'
    }`
    const plain = { name, repeatsMain: false, turn } as const
    if (!saysSomething(row)) return { ...plain, lane: null, kind: 'side' }
    if (markOf(row) === 'repetition') return { ...plain, lane: `side ${index}`, kind: 'side', repeatsMain: true }
    if (markOf(row) === 'compaction') return { ...plain, lane: 'main', kind: 'main' }
    if (word === 'turn') {
      turn = Number(number)
      return { ...plain, lane: separateTurns ? `main of turn ${number}` : 'main', kind: 'main', turn }
    }
    if (word === '') return { ...plain, lane: `side ${index}`, kind: 'side' }
    const lane = `sub${number}`
    if (!turnOfSub.has(lane)) turnOfSub.set(lane, turn)
    return { ...plain, lane, kind: 'subagent', turn: turnOfSub.get(lane) ?? null }
  })
}
