// The live view of a run: what was told of it, drawn on a terminal or written as plain lines without one. Holds the state and the clock;
// what is drawn is decided in live-frame.ts and live-lines.ts. Shows only what events and figures told it.

import picocolors from 'picocolors'
import type { RunEvent } from '../core/types.ts'
import { type Colours, drawEnded, drawFrame, drawTotals } from './live-frame.ts'
import { describeProgress, describeTrouble, stampLine, tellEvent } from './live-lines.ts'
import { createScreen, type ScreenStream } from './live-screen.ts'
import { applyInput, createLiveState, type LivePlan, type LiveState, type TrialFigures, trialOf } from './live-state.ts'
import { foldTotals } from './live-totals.ts'
import { cutText } from './text-width.ts'
import { cleanText } from './words.ts'

export interface LiveViewOptions {
  readonly stream: ScreenStream
  readonly isTty: boolean
  readonly color?: boolean
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
  readonly plan?: LivePlan
}

export interface LiveView {
  readonly event: (event: RunEvent) => void
  /** Newest figures of a trial, from whoever counts them. */
  readonly figures: (figures: TrialFigures) => void
  /** Something that is said beside the run; one line. */
  readonly note: (text: string) => void
  /** Ends the view, whatever has happened; a second time does nothing. */
  readonly done: () => void
}

const anyPlan: LivePlan = {
  concurrency: 1,
  attempts: 1,
  budget: { costUsd: null, tokens: null, calls: null },
  turnNames: new Map(),
}

/** A busy run must not be slowed by its own picture; clocks in it go on by themselves. */
const [frameMs, tickMs] = [100, 1_000]
/** Without a terminal: how often it is told where the run stands, and when nothing happens. */
const [summaryMs, silentSummaryMs] = [30_000, 300_000]

export function createLiveView(options: LiveViewOptions): LiveView {
  return options.isTty ? createDrawnView(options) : createPlainView(options)
}

function createPlainView({ stream, now = Date.now, plan = anyPlan }: LiveViewOptions): LiveView {
  let state = createLiveState(plan)
  let finished = false
  let summary = { at: now(), of: state }
  const write = (text: string, at: number): void => void stream.write(`${stampLine(text, state.startedAt, at)}\n`)
  const summarize = (): void => {
    const at = now()
    // Also when a timer comes late: never more often than it is meant to be.
    const due = state === summary.of ? silentSummaryMs : summaryMs
    if (state.startedAt === null || state.endedAt !== null || at - summary.at < due) return
    summary = { at, of: state }
    write(describeProgress(state, at), at)
  }
  const timer = setInterval(summarize, tickMs)
  timer.unref()
  return {
    event: event => {
      const next = tellEvent(state, event)
      state = next.state
      if (event.type === 'run-started') summary = { at: event.at, of: state }
      if (next.told !== null) write(next.told, event.at)
    },
    figures: figures => {
      state = applyInput(state, { figures })
    },
    note: text => write(cleanText(text), now()),
    done: () => {
      if (finished) return
      finished = true
      clearInterval(timer)
    },
  }
}

function createDrawnView({ stream, color = true, now = Date.now, plan = anyPlan }: LiveViewOptions): LiveView {
  const colours = picocolors.createColors(color)
  const screen = createScreen(stream)
  let state = createLiveState(plan)
  let finished = false
  let next: NodeJS.Timeout | null = null
  const frame = (): string[] => (state.startedAt === null ? [] : drawFrame(state, screen.size(), now(), colours))
  const draw = (): void => {
    if (next !== null) clearTimeout(next)
    next = null
    if (!finished) screen.draw(frame())
  }
  const schedule = (): void => {
    if (next !== null || finished) return
    next = setTimeout(draw, frameMs)
    next.unref()
  }
  const print = (line: string): void => screen.print([line], finished ? [] : frame())
  const clock = setInterval(draw, tickMs)
  clock.unref()
  stream.on('resize', draw)
  return {
    event: event => {
      state = applyInput(state, { event })
      for (const line of listLasting(state, event, screen.size().width, colours)) print(line)
      schedule()
    },
    figures: figures => {
      state = applyInput(state, { figures })
      schedule()
    },
    note: text => print(cutText(cleanText(text), screen.size().width)),
    done: () => {
      if (finished) return
      finished = true
      clearInterval(clock)
      if (next !== null) clearTimeout(next)
      stream.removeListener('resize', draw)
      const { width } = screen.size()
      const totals = foldTotals(state, now())
      screen.print(state.startedAt === null ? [] : drawTotals(state, totals, width, now(), colours), [])
    },
  }
}

/** What an event leaves on the screen for good. */
function listLasting(state: LiveState, event: RunEvent, width: number, colours: Colours): string[] {
  // A pause is seen in the trial's own line.
  const trouble = event.type === 'trial-held' ? null : describeTrouble(event)
  const lines = trouble === null ? [] : [colours.yellow(cutText(trouble, width))]
  const trial = event.type === 'trial-ended' ? trialOf(state, event.trialId) : null
  return trial === null || trial.trialId !== event.trialId ? lines : [...lines, drawEnded(trial, width, colours)]
}
