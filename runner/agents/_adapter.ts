// The contract of an agent: pure data about how to start it. It says files, variables and argv; the runner does it.
// An adapter never touches a disk, a process or the network, and never builds a shell string.

/** How the `command` agent starts its program. Placeholders: see docs/agents.md. */
export interface CommandTemplate {
  /** argv of the first request of a conversation. */
  readonly first: readonly string[]
  /** argv of a later request in the same conversation; null when the program cannot continue one. */
  readonly next: readonly string[] | null
  /** Text for standard input; null for none. */
  readonly stdin: string | null
  readonly env: Readonly<Record<string, string>>
}

/** An agent as a run names it. */
export interface AgentSpec {
  readonly id: string
  readonly model: string | null
  readonly command?: CommandTemplate
  /** Of its program; absent = the one it was tried with. */
  readonly version?: string
  /** Absent = the adapter's first. */
  readonly driver?: AgentDriver
  /** Absent = by the model's name. */
  readonly protocol?: string
  /** Of the agent's own kind, by name; those it does not have are refused. */
  readonly settings?: Readonly<Record<string, string | number | boolean | null>>
}

export interface AgentContext {
  readonly spec: AgentSpec
  readonly workspace: string
  readonly home: string
  /** Base URLs that lead through the proxy, as the official clients want them: `/v1/messages` and `/chat/completions` are added by them. */
  readonly baseUrls: { readonly root: string; readonly anthropic: string; readonly openai: string }
  /** The trial's own short-lived key; the only secret an agent ever holds. */
  readonly token: string
  /** True where nothing of this machine is but the agent's layer; false where the agent runs on this machine. */
  readonly inImage: boolean
}

export interface AgentRequest {
  readonly instruction: string
  /** The conversation's id: the one the runner gave, or the one `readSession` found. A UUID at first. */
  readonly session: string
  /** False for the first request of a conversation. */
  readonly continues: boolean
  /** The turn's reference solution, for the `oracle`. */
  readonly solution: readonly string[] | null
}

export interface AgentCommand {
  readonly argv: readonly string[]
  readonly stdin?: string
}

/**
 * Programs of an agent, apart from any task: npm packages with exact versions and their own Node, kept in one directory that is made once per
 * version on this machine and laid under /opt/turnpike/agents/<id> of an image, or put on the path of a local environment.
 */
export interface AgentLayer {
  readonly id: string
  /** What names the content: the same layer is never made twice. */
  readonly version: string
  /** From npm, run by Node of that major; null = native programs that need none. */
  readonly packages: ReadonlyArray<{ readonly name: string; readonly version: string }>
  readonly nodeMajor: number | null
  /** Programs of the distribution it needs in the image, by package name (tmux, git); installed into the layer's image where missing. */
  readonly systemPackages: readonly string[]
  /** Names of its programs as npm links them: what stands in the layer's `bin`, and nothing else. */
  readonly programs?: readonly string[]
  /** A program of Turnpike's own: its compiled file on this machine, carried with all it imports and started under this name. Needed in images only. */
  readonly entry?: { readonly program: string; readonly file: string }
}

/** How a conversation is held: a process per request, or one process for all requests that speaks a protocol on its pipes. */
export type AgentDriver = 'process' | 'acp' | 'stream-json'

export interface AgentAdapter {
  /** The name of its file. */
  readonly id: string
  readonly title: string
  /** Wire protocols it can speak; empty when it calls no model. */
  readonly protocols: readonly string[]
  readonly needsModel: boolean
  /** True when it has settings of its own, which `refuse` checks; absent: whatever is set is refused. */
  readonly hasSettings?: boolean
  /** True when it can take a second request in the same conversation. */
  readonly resumes: (spec: AgentSpec) => boolean
  /** What must be installed for it; null = nothing (built in, or the user's own program). */
  readonly layer: AgentLayer | null
  /** The ways it can be driven, its default first. */
  readonly drivers: readonly AgentDriver[]
  /** argv of the one process of an `acp` or `stream-json` conversation; absent for agents that have none. `session`: go on with it. */
  readonly serve?: (driver: AgentDriver, context: AgentContext, session: string | null) => AgentCommand
  /** Complaint about a specification it cannot work with, or null. */
  readonly refuse: (spec: AgentSpec) => string | null
  /** Absolute path in the environment -> content, written before the first turn. Paths below `home` or `workspace`. */
  readonly files: (context: AgentContext) => Readonly<Record<string, string>>
  readonly env: (context: AgentContext) => Readonly<Record<string, string>>
  /** Null when there is nothing to run: the attempt then counts as done. */
  readonly command: (request: AgentRequest, context: AgentContext) => AgentCommand | null
  /** The agent's own id of the conversation, when it prints one; null otherwise. */
  readonly readSession: (stdout: string) => string | null
  /** It gives its conversations ids of its own: one that `readSession` has not found cannot be continued. */
  readonly namesSessions?: boolean
  /** A program that its user installs, found on the path; absent for agents with a layer and for those built in. */
  readonly ownProgram?: { readonly name: string; readonly install: string }
  /** What a person should know who runs it. */
  readonly traps?: readonly string[]
  /** Why it has not been tried here; absent = it has. */
  readonly untested?: string
}
