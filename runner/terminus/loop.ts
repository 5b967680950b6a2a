// The loop of `terminus`: show the terminal, ask, type what was answered, until the model has said twice that it is done. Knows no
// protocol and no process; writes nothing but through the terminal and the conversation.

import { pauseUnlessAborted } from '../pause.ts'
import { type CompactionWay, compact } from './compaction.ts'
import { estimateTokens, type History, joinNeighbours, type Message } from './history.ts'
import type { Answer, AskModel } from './model.ts'
import { parseReply } from './parsers.ts'
import { askPatiently, classifyFailure } from './patience.ts'
import {
  writeBareHandover,
  writeBriefing,
  writeConfirmation,
  writeCutOff,
  writeNextRequest,
  writeObservation,
  writeParseError,
} from './prompt.ts'
import type { Keystrokes } from './reply.ts'
import { showChange } from './screen.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './tmux.ts'

export interface LoopOptions {
  readonly terminal: Terminal
  readonly history: History
  readonly askModel: AskModel
  readonly instruction: string
  readonly settings: Settings
  readonly signal: AbortSignal
}

export interface LoopResult {
  readonly ended: 'completed' | 'terminal-gone' | 'turn-limit'
  /** Answers of the model to the loop; those of compaction are not among them. */
  readonly episodes: number
  readonly commands: number
  readonly parseErrors: number
  readonly compactions: readonly CompactionWay[]
  readonly retries: number
}

interface Work {
  readonly options: LoopOptions
  /** What is said next; not yet in the history. */
  prompt: string
  /** The model has said once that it is done. */
  claimed: boolean
  lastWhole: string | null
  /** As set, until a refusal has shown that it is less. */
  contextLimit: number
  commands: number
  parseErrors: number
  retries: number
  readonly compactions: CompactionWay[]
}

const waitSecMax = 60
/** A new shell needs a moment until it shows its prompt. */
const shellStartMs = 3_000
/** Fewer messages than these are what the last compaction has left: doing it again would gain nothing. */
const compactableMessages = 6

export async function runLoop(options: LoopOptions): Promise<LoopResult> {
  const { history, settings, terminal, instruction } = options
  const work: Work = {
    options,
    prompt: '',
    claimed: false,
    lastWhole: null,
    contextLimit: settings.contextLimit,
    commands: 0,
    parseErrors: 0,
    retries: 0,
    compactions: [],
  }
  const goesOn = history.messages().length > 0
  history.addRequest(instruction)
  const shown = await lookFirst(work)
  work.prompt = goesOn ? writeNextRequest(instruction, shown) : writeBriefing(settings.parser, history.requests(), shown)
  for (let episode = 1; episode <= settings.maxTurns; episode++) {
    if (isFull(work)) await compactNow(work)
    const answer = await askOrCompact(work)
    const over = await act(work, answer)
    if (over || !(await terminal.isAlive())) {
      history.say(work.prompt)
      return summarize(work, over ? 'completed' : 'terminal-gone', episode)
    }
  }
  history.say(work.prompt)
  return summarize(work, 'turn-limit', settings.maxTurns)
}

function summarize(
  { commands, parseErrors, compactions, retries }: Work,
  ended: LoopResult['ended'],
  episodes: number,
): LoopResult {
  return { ended, episodes, commands, parseErrors, compactions, retries }
}

/** True when the model has confirmed that it is done. */
async function act(work: Work, answer: Answer): Promise<boolean> {
  const { parser } = work.options.settings
  const reply = parseReply(parser, answer.text, answer.cut)
  if (reply.errors.length > 0) {
    work.parseErrors++
    work.prompt = answer.cut ? writeCutOff() : writeParseError(parser, reply.errors, reply.warnings)
    return false
  }
  if (!(await typeAll(work, reply.commands))) {
    work.prompt = 'The terminal was closed.'
    return false
  }
  const shown = await look(work)
  const confirmed = reply.complete && work.claimed
  work.claimed = reply.complete
  if (confirmed) work.prompt = shown
  else work.prompt = reply.complete ? writeConfirmation(shown) : writeObservation(reply.warnings, shown)
  return confirmed
}

/** False when the terminal went away under the keys. */
async function typeAll(work: Work, commands: readonly Keystrokes[]): Promise<boolean> {
  const { terminal, signal } = work.options
  for (const { keystrokes, durationSec } of commands) {
    if (!(await terminal.isAlive())) return false
    await terminal.type(keystrokes)
    work.commands++
    await pauseUnlessAborted(1_000 * Math.min(durationSec, waitSecMax), signal)
    signal.throwIfAborted()
  }
  return terminal.isAlive()
}

async function look(work: Work): Promise<string> {
  const capture = await work.options.terminal.capture()
  const shown = showChange(work.lastWhole, capture)
  work.lastWhole = capture.whole
  return shown
}

async function lookFirst(work: Work): Promise<string> {
  const { terminal, signal } = work.options
  for (let waitedMs = 0; waitedMs < shellStartMs && !signal.aborted; waitedMs += 100) {
    if ((await terminal.capture()).screen.trim() !== '') break
    await pauseUnlessAborted(100, signal)
  }
  return look(work)
}

function isFull({ options, prompt, contextLimit }: Work): boolean {
  const { history, settings } = options
  if (!settings.enableSummarize || history.messages().length < compactableMessages) return false
  return contextLimit - history.tokens() - estimateTokens(prompt) < settings.proactiveSummarizationThreshold
}

async function compactNow(work: Work): Promise<void> {
  const { history, settings, signal, terminal } = work.options
  const capture = await terminal.capture()
  work.lastWhole = capture.whole
  const { prompt, way } = await compact({
    history,
    parser: settings.parser,
    ask: messages => ask(work, messages),
    terminal: { shown: showChange(null, capture), capture },
    contextLimit: work.contextLimit,
    signal,
  })
  work.compactions.push(way)
  work.prompt = prompt
}

/** A refusal says more about the model's limit than any table: compacted once, then nothing but the task, then it is an error. */
async function askOrCompact(work: Work): Promise<Answer> {
  const { history, settings, signal } = work.options
  for (let refused = 0; ; refused++) {
    try {
      const answer = await ask(work, joinNeighbours([...history.messages(), { role: 'user', text: work.prompt }]))
      // Together, so that a killed process leaves no question without its answer.
      history.say(work.prompt)
      history.answer(answer.text, answer.contextTokens)
      return answer
    } catch (error) {
      const overflow = classifyFailure(error, signal) === 'context-overflow'
      if (!overflow || !settings.enableSummarize || refused === 2 || history.messages().length + refused === 0) throw error
      work.contextLimit = Math.min(work.contextLimit, history.tokens() + estimateTokens(work.prompt))
      if (refused === 0) await compactNow(work)
      else startOver(work)
    }
  }
}

function startOver(work: Work): void {
  const { history, settings } = work.options
  history.replace([])
  work.compactions.push('bare')
  work.prompt = writeBriefing(settings.parser, history.requests(), writeBareHandover())
}

function ask(work: Work, messages: readonly Message[]): Promise<Answer> {
  const { askModel, settings, signal } = work.options
  const onRetry = (): void => {
    work.retries++
  }
  // A signal of its own each: the official clients never let go of the one they were given.
  return askPatiently(() => askModel(messages, AbortSignal.any([signal])), { waitSec: settings.retryWaitSec, signal, onRetry })
}
