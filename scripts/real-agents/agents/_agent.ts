// The contract of a real agent: which package it is, how it is told where its provider stands, and how a turn is begun and continued.
// Pure: it says files, variables and arguments, the script does the rest. agents/_all.ts lists them; docs/agents.md is generated from them.

export interface Place {
  /** The agent's provider: scheme, host, port and attribution prefix, without `/v1`. */
  readonly base: string
  readonly key: string
  /** A directory that is empty before the first turn and lasts for both. */
  readonly home: string
  readonly workspace: string
  /** For agents that let their caller name the session. */
  readonly uuid: string
}

export interface Invocation {
  readonly args: readonly string[]
  /** Given whole and closed; several agents read it to its end before they start. */
  readonly stdin?: string
}

/** How an agent is talked to: a process per turn; one for all turns over the Agent Client Protocol (JSON-RPC on stdio), or by lines of its own. */
export type Drive =
  | {
      readonly kind: 'process'
      /** `session` is null in the first turn, then what `readSession` found. */
      readonly turn: (place: Place, prompt: string, session: string | null) => Invocation
      /** The id of the session that the first turn began; absent: the place's uuid. */
      readonly readSession?: (output: string) => string | null
    }
  | { readonly kind: 'acp'; readonly args: (place: Place) => readonly string[] }
  | {
      readonly kind: 'lines'
      readonly args: (place: Place) => readonly string[]
      readonly line: (prompt: string) => string
      /** Whether this line of its output ends a turn. */
      readonly endsTurn: (line: string) => boolean
    }

export interface Variant {
  /** Unique within the agent: what its provider is, in a word. */
  readonly id: string
  /** Id of the protocol adapter its calls belong to; null when no protocol of ours claims them. */
  readonly protocol: string | null
  /** Path by which the agent reaches its provider where that is not a plain request. */
  readonly transport?: 'websocket'
  readonly env: (place: Place) => Readonly<Record<string, string>>
  /** Path below the home directory -> text. */
  readonly files?: (place: Place) => Readonly<Record<string, string>>
  /** Run once before the first turn, with the same variables. */
  readonly prepare?: (place: Place) => Invocation
  readonly drive: Drive
  /** Paths outside any protocol that the agent asks for and can do without: answered 404 by the provider. */
  readonly asksBeside?: readonly RegExp[]
  /** Why the second turn cannot be tried. */
  readonly oneTurn?: string
}

export interface RealAgent {
  /** The file's name, and the folder it is installed in. */
  readonly id: string
  readonly title: string
  readonly npm: string
  readonly version: string
  /** Name of its program in node_modules/.bin. */
  readonly program: string
  readonly variants: readonly Variant[]
  /** What a person should know who sets it up. */
  readonly traps: readonly string[]
}
