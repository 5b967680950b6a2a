// What the person (or the runner) asked for, found in a request: the user texts that are neither tool results nor put there by
// the agent itself. Pure; brain.ts counts turns and steps with it. It must never depend on anything but the messages.

import type { Message } from '../../core/types.ts'

export interface Instruction {
  readonly text: string
  /** Feedback after failed tests: the runner's text begins so. */
  readonly feedback: boolean
  /** The instruction that feedback belongs to; its own text when it is none, or when the request holds nothing earlier. */
  readonly task: string
  /** Index of its message. */
  readonly at: number
}

/** The runner's feedback begins so; an agent without memory is told the request again at its end. */
const feedbackOpening = 'The tests for this turn failed'
const repeatedRequest = /\n\nThe request was:\n\n([\s\S]+)$/

/** Context that agents wrap around or beside what the person typed (seen in recorded traffic, 2026-11). */
const injected =
  /<(system-reminder|environment_details|environment_context|current_datetime|user_info|user_rules|rules|session_context)>[\s\S]*?<\/\1>/g
const wrapper = /^<(user_query)>([\s\S]*)<\/\1>$/
/** Codex tells a compacted session its own summary in the user's name. */
const summary = /^Another language model started to solve this problem\b/
/** Two agents answer a cut stream by keeping the half answer and asking to go on: no new instruction, and no new step. */
const continuation = /\bcut off mid-stream\b|\bconnection (?:was )?dropped\b/i

/** The request's instructions in order; the last one is what the model is to work on now. */
export function listInstructions(messages: readonly Message[]): Instruction[] {
  const found: Instruction[] = []
  let task: string | null = null
  for (const [index, message] of messages.entries()) {
    const text = message.role === 'user' ? typedText(message) : ''
    if (text === '' || isContinuation(messages, index)) continue
    const feedback = text.startsWith(feedbackOpening)
    if (!feedback) task = text
    else task = repeatedRequest.exec(text)?.[1] ?? task
    found.push({ text, feedback, task: task ?? text, at: index })
  }
  return found
}

/** What the user typed in this message; '' when it only carries tool results or context of the agent's own. */
function typedText(message: Message): string {
  const texts = message.blocks.map(block => (block.kind === 'text' ? stripInjected(block.text) : ''))
  return texts.filter(text => text !== '').join('\n')
}

function stripInjected(text: string): string {
  const rest = text.replaceAll(injected, '').trim()
  return summary.test(rest) ? '' : (wrapper.exec(rest)?.[2] ?? rest).trim()
}

/** Model calls answered since the message at `index`. A trailing assistant message is the beginning of the answer asked for now. */
export function countCallsSince(messages: readonly Message[], index: number): number {
  let calls = 0
  for (let at = index + 1; at < messages.length - 1; at++) {
    if (messages[at]?.role === 'assistant' && !isContinuation(messages, at + 1)) calls++
  }
  return calls
}

function isContinuation(messages: readonly Message[], index: number): boolean {
  const message = messages[index]
  return (
    message?.role === 'user' && messages[index - 1]?.role === 'assistant' && continuation.test(typedText(message).slice(0, 200))
  )
}
