// What the loop of `mini` needs from a model, whatever its protocol. The two files beside this one implement it with the
// official clients; the loop itself knows neither.

export interface ToolCall {
  readonly id: string
  /** Parsed arguments; null when they were no valid JSON. */
  readonly input: unknown
}

export interface Answer {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  /** The model ran into its output limit: tool calls may be cut and are answered with an error. */
  readonly cut: boolean
}

export interface ToolOutput {
  readonly id: string
  readonly text: string
  readonly failed: boolean
}

export interface Model {
  /** Appends the user's words to the conversation. */
  readonly say: (text: string) => void
  /** Asks the model, streaming, and appends its answer. */
  readonly ask: (signal: AbortSignal) => Promise<Answer>
  /** Appends the results of tool calls. */
  readonly giveResults: (results: readonly ToolOutput[]) => void
  /** Tool calls of the last answer that never got a result, because the process before this one was killed. */
  readonly unanswered: () => readonly ToolCall[]
}

export interface ModelOptions {
  /** The proxy's URL with the trial's token in its path. */
  readonly baseUrl: string
  readonly token: string
  readonly model: string
  readonly conversationFile: string
}

export const systemPrompt = `You are a coding agent working alone in a directory on a computer. Nobody can answer questions, so decide sensibly yourself.
Use the bash tool to look at files, change them and run programs. Work step by step and check what you have done.
Your work is judged by hidden tests against what was asked for; everything asked for earlier still holds unless it was changed.
When the request is fulfilled, answer with a short summary and without calling a tool.`

export const outputTokensMax = 8_192

/** Tries again on what may pass by itself (429, 5xx, broken connections), with the client's own back-off. */
export const modelRetriesMax = 5
