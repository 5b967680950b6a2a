// A conversation that no longer fits, replaced by what the rest of the work needs: a summary, questions of someone who has seen
// only that, and answers. Three conversations of their own; when they fail, less and less is carried over, never nothing of the task.

import { estimateTokens, type History, joinNeighbours, type Message } from './history.ts'
import type { Answer } from './model.ts'
import type { Parser } from './parsers.ts'
import { classifyFailure } from './patience.ts'
import {
  askAnswers,
  askQuestions,
  askShortSummary,
  askSummary,
  writeBareHandover,
  writeBriefing,
  writeHandover,
  writeShortHandover,
} from './prompt.ts'
import type { Capture } from './screen.ts'

export interface CompactionInput {
  readonly history: History
  readonly parser: Parser
  /** The whole conversation is given; nothing is kept of what it answers. */
  readonly ask: (messages: readonly Message[]) => Promise<Answer>
  readonly terminal: { readonly shown: string; readonly capture: Capture }
  /** Tokens the model can hold, as far as it is known. */
  readonly contextLimit: number
  readonly signal: AbortSignal
}

export type CompactionWay = 'full' | 'short' | 'bare'

/** Tokens that must be free for the summary to be asked for. */
const freeTokensWanted = 4_000
const screenCharsShown = 1_000

/** Afterwards the history ends with an answer or is empty, and `prompt` is what to say next. Rejects only when interrupted. */
export async function compact(input: CompactionInput): Promise<{ readonly prompt: string; readonly way: CompactionWay }> {
  const requests = input.history.requests()
  const briefing = writeBriefing(input.parser, requests, input.terminal.shown)
  const full = await orNull(input, () => handOver(input, requests))
  if (full !== null) {
    const first: Message = { role: 'user', text: writeBriefing(input.parser, requests, '').trimEnd() }
    input.history.replace([first, { role: 'user', text: full.asked }, { role: 'assistant', text: full.questions }])
    return { prompt: writeHandover(full.answers, input.terminal.shown), way: 'full' }
  }
  const short = await orNull(input, () => summarizeShortly(input, requests))
  // Without a summary nothing is left to say to but the task itself.
  input.history.replace([])
  if (short === null) return { prompt: `${briefing}\n\n${writeBareHandover()}`, way: 'bare' }
  return { prompt: `${briefing}\n\n${writeShortHandover(short)}`, way: 'short' }
}

async function orNull<T>(input: CompactionInput, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (classifyFailure(error, input.signal) === 'interrupted') throw error
    return null
  }
}

interface Handover {
  readonly asked: string
  readonly questions: string
  readonly answers: string
}

async function handOver(input: CompactionInput, requests: readonly string[]): Promise<Handover | null> {
  const { ask, terminal } = input
  const summarized = await summarize(input, requests)
  if (summarized === null) return null
  const { summary, conversation } = summarized
  const asked = askQuestions(requests, summary, terminal.shown)
  const questions = await askText(ask, [{ role: 'user', text: asked }])
  if (questions === null) return null
  const answers = await askText(ask, [...conversation, { role: 'user', text: askAnswers(questions) }])
  return answers === null ? null : { asked, questions, answers }
}

/** Estimates are no promise: a conversation that is still refused is halved. */
async function summarize(
  { ask, history, contextLimit, signal }: CompactionInput,
  requests: readonly string[],
): Promise<{ readonly summary: string; readonly conversation: readonly Message[] } | null> {
  let seen = dropFromEnd(history.messages(), contextLimit - freeTokensWanted)
  for (;;) {
    const question: Message[] = [...seen, { role: 'user', text: askSummary(requests) }]
    try {
      const summary = await askText(ask, question)
      return summary === null ? null : { summary, conversation: [...question, { role: 'assistant', text: summary }] }
    } catch (error) {
      if (seen.length <= 2 || classifyFailure(error, signal) !== 'context-overflow') throw error
      seen = seen.slice(0, Math.max(2, 2 * Math.floor(seen.length / 4)))
    }
  }
}

async function askText(ask: CompactionInput['ask'], messages: readonly Message[]): Promise<string | null> {
  const { text } = await ask(joinNeighbours(messages))
  return text.trim() === '' ? null : text
}

/** Whole pairs of question and answer, the newest first: the beginning holds the task. */
export function dropFromEnd(messages: readonly Message[], tokensMax: number): readonly Message[] {
  let kept = messages
  while (kept.length > 2 && countTokens(kept) > tokensMax) kept = kept.slice(0, -2)
  return kept
}

const countTokens = (messages: readonly Message[]): number => messages.reduce((sum, { text }) => sum + estimateTokens(text), 0)

async function summarizeShortly({ ask, terminal }: CompactionInput, requests: readonly string[]): Promise<string | null> {
  const prompt = askShortSummary(requests, terminal.capture.screen.trimEnd().slice(-screenCharsShown))
  return askText(ask, [{ role: 'user', text: prompt }])
}
