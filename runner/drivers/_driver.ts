// The contract of a driver: how requests of one conversation reach an agent and what comes back. Between the attempts of runner/attempt.ts
// and the environment. An agent that fails, dies, babbles or takes too long is a result here, never an exception.

import type { AgentAdapter, AgentContext, AgentRequest } from '../agents/_adapter.ts'
import type { Environment } from '../environments/_adapter.ts'
import type { ExecResult } from '../processes.ts'

export interface DialoguePlace {
  readonly environment: Environment
  readonly agent: AgentAdapter
  readonly context: AgentContext
  /** Aborts what is being asked, and ends the agent. */
  readonly signal: AbortSignal
}

export interface AskOptions {
  readonly timeoutMs: number | null
  /** For this request; only where each has a process of its own. The agent's own variables come first. */
  readonly env?: Readonly<Record<string, string>>
  /** Name or number inside the environment; absent = its own. */
  readonly user?: string
}

export interface AgentReply {
  /** Null when there was nothing to run. */
  readonly result: ExecResult | null
  /** By what the conversation can be continued, also by another process; null = by the id that was given. */
  readonly session: string | null
  /** Why the agent could not go on from what was said before, though it was asked to; null = it did, or began as asked. */
  readonly lost: string | null
}

/** One conversation after the other with the agent of a trial. */
export interface Dialogue {
  /** A request that does not continue begins anew, whatever was said before. */
  readonly ask: (request: AgentRequest, options: AskOptions) => Promise<AgentReply>
  /** Ends what still runs. */
  readonly close: () => Promise<void>
}
