// The loop of `mini`: ask, run the tool calls, give back the results, until an answer without tool calls or the step limit.
// Knows no protocol and no file.

import type { Model, ToolCall, ToolOutput } from './model.ts'
import { runShell } from './shell.ts'

export interface LoopOptions {
  readonly model: Model
  readonly instruction: string
  readonly stepsMax: number
  /** Variables of the commands it runs. */
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface LoopResult {
  readonly ended: 'answered' | 'step-limit'
  /** Calls of the model. */
  readonly steps: number
  readonly toolCalls: number
  readonly answer: string
}

export async function runLoop(options: LoopOptions): Promise<LoopResult> {
  const { model } = options
  closeOpenCalls(model)
  model.say(options.instruction)
  let toolCalls = 0
  for (let step = 1; step <= options.stepsMax; step++) {
    // A signal of its own: the official clients never let go of the one they were given.
    const answer = await model.ask(AbortSignal.any([options.signal]))
    if (answer.toolCalls.length === 0) return { ended: 'answered', steps: step, toolCalls, answer: answer.text }
    const results: ToolOutput[] = []
    for (const call of answer.toolCalls) {
      toolCalls++
      results.push(answer.cut ? refuseCut(call) : { id: call.id, ...(await runShell(call.input, options.env, options.signal)) })
    }
    model.giveResults(results)
  }
  return { ended: 'step-limit', steps: options.stepsMax, toolCalls, answer: '' }
}

/** Providers refuse a conversation in which a tool call has no result. */
function closeOpenCalls(model: Model): void {
  const open = model.unanswered()
  if (open.length === 0) return
  model.giveResults(open.map(call => ({ id: call.id, text: 'The command was interrupted before it had ended.', failed: true })))
}

const refuseCut = (call: ToolCall): ToolOutput => ({
  id: call.id,
  text: 'Your answer reached its length limit and was cut off, so nothing was run. Make smaller steps.',
  failed: true,
})
