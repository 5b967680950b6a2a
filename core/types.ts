// The nouns of Turnpike; read this file first. Everything else produces, stores or reads these shapes.
// Words: run (one invocation), task (turns + environment + verifiers), trial (one agent on one task, once), turn (one user
// request), attempt (one try at a turn), exchange (one HTTP request and its answer), call (an exchange decoded),
// trajectory (a merged conversation), check / verdict (a yes-no question / its answer), score (a number with its denominator).

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** Milliseconds since 1970, fractional (microsecond resolution where the clock has it). */
export type EpochMs = number

// ---------------------------------------------------------------- what a model was asked and answered (canonical form)

export type Role = 'system' | 'user' | 'assistant'

/**
 * One piece of a message. `extra` keeps every field of the wire element that the canonical form has no place for
 * (cache_control, citations, vendor fields), so that nothing unknown is dropped.
 * `wire`, here and below, is a protocol's own note of how the bytes spelled a thing that can be spelled in several ways (a string
 * or a list of one text, an absent or a null field). It carries no meaning: only the write members read it; never compare by it.
 */
export type Block = { readonly extra?: JsonObject; readonly wire?: JsonObject } & (
  | { readonly kind: 'text'; readonly text: string }
  /** `signature` proves the text to its provider and must never be fabricated; `redacted` is thinking we may not read. */
  | { readonly kind: 'thinking'; readonly text: string; readonly signature?: string; readonly redacted?: string }
  /** `inputText` is the exact argument text on the wire; `input` its parsed value, or null when it is not valid JSON (cut off). */
  | { readonly kind: 'tool-call'; readonly id: string; readonly name: string; readonly input: Json; readonly inputText: string }
  | { readonly kind: 'tool-result'; readonly callId: string; readonly content: readonly Block[]; readonly isError: boolean }
  /** `data` is base64, or a URL when `mediaType` is 'url'. */
  | { readonly kind: 'image'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'refusal'; readonly text: string }
  /** Anything a protocol has no canonical word for; `raw` is the wire element untouched. */
  | { readonly kind: 'opaque'; readonly type: string; readonly raw: Json }
)

export interface Message {
  /** `developer` on the wire is `system` here; tool results travel in `user` messages. */
  readonly role: Role
  readonly blocks: readonly Block[]
  readonly extra?: JsonObject
  readonly wire?: JsonObject
}

export interface ToolDefinition {
  readonly name: string
  readonly description: string
  /** JSON Schema of the input; null for provider-side tools that declare none. */
  readonly schema: Json
  readonly raw: Json
}

/** A decoded request. */
export interface Conversation {
  readonly model: string | null
  readonly stream: boolean
  /** Leading system text (Anthropic `system`, leading system/developer messages of the others). */
  readonly system: readonly Block[]
  readonly messages: readonly Message[]
  readonly tools: readonly ToolDefinition[]
  readonly maxTokens: number | null
  readonly temperature: number | null
  /** Every other top-level field, untouched. */
  readonly extra: JsonObject
  /** `wire.protocol` names the dialect `extra` and `tools[].raw` are written in; absent = the dialect of whoever writes it. */
  readonly wire?: JsonObject
}

/** A decoded answer, whole or cut. */
export interface Answer {
  /** The provider's own id of the answer (`msg_…`, `chatcmpl-…`). */
  readonly id: string | null
  readonly model: string | null
  readonly message: Message
  /** The provider's word for why it stopped, untouched. */
  readonly stopReason: string | null
  readonly usage: Usage | null
  /** False when the stream ended before the protocol's terminal event: a partial answer. */
  readonly complete: boolean
  /** An error body, or an error event in the middle of a stream. */
  readonly error: { readonly type: string; readonly message: string } | null
  readonly extra?: JsonObject
  readonly wire?: JsonObject
}

/**
 * Tokens of one call in disjoint classes: input + cachedRead + cachedWrite* = context size. null = the provider did not say,
 * which is never the same as 0. Source: docs/protocols.md; the provider's own object is kept in `raw`.
 */
export interface Usage {
  /** Input tokens neither read from nor written to a cache. */
  readonly input: number | null
  readonly cachedRead: number | null
  readonly cachedWrite5m: number | null
  readonly cachedWrite1h: number | null
  /** Cache writes whose lifetime the provider did not name. */
  readonly cachedWriteOther: number | null
  /** All output tokens, reasoning included. */
  readonly output: number | null
  /** Part of `output`. */
  readonly reasoning: number | null
  readonly serverTools: Readonly<Record<string, number>>
  readonly serviceTier: string | null
  readonly source: 'wire' | 'wire-partial' | 'none'
  /** True when the provider's figures contradict each other (cached > input): kept as they came, never clamped. */
  readonly inconsistent: boolean
  readonly raw: Json
  /** Which mapping read it, e.g. `anthropic-messages/1`. */
  readonly mapping: string
}

// ---------------------------------------------------------------- what crossed the wire

/** Header fields in wire order and case, duplicates kept; secrets masked. In the record, trailers follow as `trailer:<name>`. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>

export type ExchangeOutcome =
  | 'complete'
  | 'client-aborted'
  | 'upstream-cut'
  | 'upstream-refused'
  | 'timed-out'
  | 'proxy-killed'
  /** Turnpike answered in the provider's stead (bad request, unknown model, over budget); `failure.code` says why. */
  | 'refused'
  | 'in-flight'

/** Where an exchange belongs: a trial of a run, or a stand-alone session. */
export interface Scope {
  readonly kind: 'trial' | 'session'
  readonly id: string
}

/** What an exchange is of another one; `upstream-attempt`: its answer was not passed on, the request was sent again. */
export interface PartOf {
  readonly id: string
  readonly part: 'upstream-attempt'
}

/** One HTTP request and its answer. `response*` (even a 500) and `failure` (a cut, a timeout) are separate; both may be there. */
export interface Exchange {
  readonly id: string
  readonly scope: Scope
  readonly turn: number | null
  readonly attempt: number | null
  /** Protocol adapter id; null when no protocol claims the traffic: recorded all the same. */
  readonly protocol: string | null
  /** Route name of models.yaml that answered, null when none was chosen. */
  readonly route: string | null
  readonly method: string
  /** Path as the upstream saw it (attribution prefix removed), and query string without `?`; secrets masked. */
  readonly path: string
  readonly query: string
  readonly requestHeaders: HeaderList
  readonly requestBytes: number
  readonly requestSha256: string
  readonly status: number | null
  readonly responseHeaders: HeaderList | null
  readonly responseBytes: number | null
  readonly responseSha256: string | null
  readonly outcome: ExchangeOutcome
  readonly failure: { readonly code: string; readonly message: string } | null
  /** The provider's request id header, if any. */
  readonly providerRequestId: string | null
  /** Times the request was sent again on a fresh socket because a kept-alive one was stale. */
  readonly retries: number
  readonly startedAt: EpochMs
  readonly firstByteAt: EpochMs | null
  readonly endedAt: EpochMs | null
  /** Absent on all that stand for themselves; the others are counted and listed with the exchange they are a part of. */
  readonly partOf?: PartOf
}

/** An exchange decoded: derived from the bytes, rebuildable with `turnpike decode`. */
export interface Call {
  readonly exchangeId: string
  readonly scopeId: string
  readonly turn: number | null
  readonly attempt: number | null
  readonly protocol: string
  readonly modelAsked: string | null
  readonly modelAnswered: string | null
  readonly answerId: string | null
  readonly stopReason: string | null
  readonly usage: Usage | null
  /** Names of the tools the model called, in order. */
  readonly toolCalls: readonly string[]
  readonly complete: boolean
  readonly error: { readonly type: string; readonly message: string } | null
  /** Integer nano-dollars; null = price unknown, never 0. */
  readonly costNanoUsd: number | null
  readonly priceVersion: string | null
  /** Version of the decoder that wrote the row; an older one is decoded again on read. */
  readonly decoder: number
}

// ---------------------------------------------------------------- runs and what came of them

export interface Session {
  readonly id: string
  readonly name: string
  /** How the exchanges were attributed. */
  readonly source: 'path' | 'header' | 'default' | 'import'
  /** The agent's own session id when it sends one. */
  readonly agentSession: string | null
  readonly startedAt: EpochMs
}

export interface Run {
  readonly id: string
  readonly name: string
  readonly state: 'running' | 'finished' | 'interrupted'
  /** The resolved configuration, secrets left out. */
  readonly config: Json
  readonly turnpikeVersion: string
  /** True when the model behind it was the simulated provider; every report says so. */
  readonly simulated: boolean
  /** Tasks x agents x trials x turns, fixed before the first agent starts. */
  readonly plannedTurns: number
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs | null
}

export type TrialOutcomeKind = 'finished' | 'agent-failed' | 'timed-out' | 'over-budget' | 'environment-failed' | 'interrupted'

export interface Trial {
  readonly id: string
  readonly runId: string
  /** `<task>.<agent>.<k>`, unique in its run. */
  readonly name: string
  readonly taskId: string
  readonly agent: string
  readonly model: string | null
  /** 1-based number of the repetition. */
  readonly index: number
  readonly plannedTurns: number
  readonly state: 'pending' | 'running' | 'ended'
  readonly outcome: { readonly kind: TrialOutcomeKind; readonly reason: string | null } | null
  /** Where it stands now; exchanges recorded under the trial's token carry these. */
  readonly turn: number | null
  readonly attempt: number | null
  /** Bare git repository with one commit per attempt; null when snapshots are off. */
  readonly snapshots: string | null
  readonly startedAt: EpochMs | null
  readonly endedAt: EpochMs | null
}

/** A cell of the run's grid is in exactly one state. The score uses the first four; the others are excluded and shown as bounds. */
export type TurnState = 'passed' | 'failed' | 'not-reached' | 'agent-error' | 'infra-error' | 'skipped' | 'missing'

export interface TurnRecord {
  readonly trialId: string
  readonly turn: number
  readonly state: TurnState
  readonly attempts: number
  readonly instruction: string
  readonly startedAt: EpochMs | null
  readonly endedAt: EpochMs | null
}

export interface AttemptRecord {
  readonly trialId: string
  readonly turn: number
  readonly attempt: number
  readonly passed: boolean
  readonly testsPassed: number
  readonly testsTotal: number
  /** What ended the agent: its own exit, a timeout, a kill. */
  readonly agentOutcome: 'exited' | 'timed-out' | 'failed-to-start' | 'interrupted'
  readonly agentExit: number | null
  readonly agentMs: number
  readonly verifyMs: number
  /** Text sent to the agent before this attempt because the one before it failed; null on the first. */
  readonly feedback: string | null
  readonly snapshot: string | null
  readonly agentOutput: string
  readonly verifierOutput: string
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs
}

export interface TestResult {
  readonly trialId: string
  readonly turn: number
  readonly attempt: number
  readonly name: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'error'
  readonly message: string
}

/** Something that happened, in order, for live views and post-mortems. */
export interface RunEvent {
  readonly id: string
  readonly runId: string
  readonly trialId: string | null
  /** noun-verb: `trial-started`, `turn-ended`. */
  readonly type: string
  readonly at: EpochMs
  readonly data: Json
}

export type Score =
  | { readonly kind: 'scored'; readonly value: number; readonly denominator: number }
  | { readonly kind: 'unscored'; readonly reason: string }

export interface ScoreRecord {
  readonly runId: string
  /** Metric's own name, e.g. `mean_turn_pass`. */
  readonly metric: string
  /** What it is about: `run`, `agent:<name>`, `trial:<id>`. */
  readonly subject: string
  readonly score: Score
  /** What the denominator counts, in words. */
  readonly denominatorName: string
}

export interface Check {
  readonly id: string
  readonly question: string
  readonly kind: 'programmatic' | 'llm' | 'human'
}

export interface Verdict {
  readonly checkId: string
  readonly subject: string
  readonly verdict: 'pass' | 'fail' | 'not_triggered' | 'cannot_assess' | 'error'
  readonly evidence: Json
}
