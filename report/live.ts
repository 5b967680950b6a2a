// The live view of a run: takes RunEvents, draws one line per trial on a terminal, or prints plain lines without one.
// Shows only what events and figures told it; a run may be longer than the screen, so finished trials scroll away.

import { createLogUpdate } from 'log-update'
import picocolors from 'picocolors'
import type { Json, JsonObject, RunEvent } from '../core/types.ts'
import { cleanText } from './words.ts'

export interface LiveViewOptions {
  readonly stream: NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number }
  readonly isTty: boolean
  readonly color?: boolean
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
}

export interface LiveFigures {
  readonly calls: number
  readonly tokens: number
  /** Already formatted, `≥ $0.0123 (…)`; null = not known. */
  readonly cost: string | null
}

export interface LiveView {
  readonly event: (event: RunEvent) => void
  /** Newest figures of a trial, from whoever counts them. */
  readonly figures: (trialId: string, figures: LiveFigures) => void
  readonly done: () => void
}

interface Line {
  name: string
  plannedTurns: number | null
  turn: number | null
  attempt: number | null
  tests: string
  state: string
  passedTurns: number
  endedTurns: number
  startedAt: number
  figures: LiveFigures | null
}

/** Redraws per second at most: a busy run must not be slowed by its own picture. */
const frameMs = 80

export function createLiveView(options: LiveViewOptions): LiveView {
  const lines = new Map<string, Line>()
  return options.isTty ? createTableView(options, lines) : createPlainView(options, lines)
}

function createPlainView(options: LiveViewOptions, lines: Map<string, Line>): LiveView {
  const write = (text: string): void => {
    options.stream.write(`${text}\n`)
  }
  return {
    event: event => {
      const line = applyEvent(lines, event)
      const told = line === null ? describeRun(event) : describeTrial(event, line)
      if (told !== null) write(told)
    },
    figures: (trialId, figures) => {
      const line = lines.get(trialId)
      if (line !== undefined) line.figures = figures
    },
    done: () => {},
  }
}

function createTableView(options: LiveViewOptions, lines: Map<string, Line>): LiveView {
  const colors = picocolors.createColors(options.color ?? true)
  const now = options.now ?? Date.now
  const log = createLogUpdate(options.stream, { showCursor: true })
  let timer: NodeJS.Timeout | null = null
  let finished = false
  const draw = (): void => {
    timer = null
    if (!finished) log(drawLines([...lines.values()], options, colors, now()))
  }
  const writeAbove = (text: string): void => {
    log.clear()
    options.stream.write(`${text}\n`)
  }
  const schedule = (): void => {
    if (timer !== null || finished) return
    timer = setTimeout(draw, frameMs)
    timer.unref()
  }
  return {
    event: event => {
      const line = applyEvent(lines, event)
      const warning = readWarning(event)
      if (warning !== null) writeAbove(colors.yellow(warning))
      if (event.type === 'trial-ended' && line !== null && event.trialId !== null) {
        // A finished trial is written once above the moving lines and forgotten.
        lines.delete(event.trialId)
        writeAbove(drawLine(line, options, colors, now()))
      }
      schedule()
    },
    figures: (trialId, figures) => {
      const line = lines.get(trialId)
      if (line !== undefined) line.figures = figures
      schedule()
    },
    done: () => {
      if (finished) return
      finished = true
      if (timer !== null) clearTimeout(timer)
      log(drawLines([...lines.values()], options, colors, now()))
      log.done()
    },
  }
}

/** The line the event is about, brought up to date; null when it is about the run. */
function applyEvent(lines: Map<string, Line>, event: RunEvent): Line | null {
  if (event.trialId === null) return null
  const data = readObject(event.data)
  const line = lines.get(event.trialId) ?? startLine(event)
  lines.set(event.trialId, line)
  line.name = readText(data['name']) ?? line.name
  line.plannedTurns = readNumber(data['plannedTurns']) ?? line.plannedTurns
  line.turn = readNumber(data['turn']) ?? line.turn
  line.attempt = readNumber(data['attempt']) ?? line.attempt
  const [passed, total] = [readNumber(data['testsPassed']), readNumber(data['testsTotal'])]
  if (passed !== null && total !== null) line.tests = `${passed}/${total}`
  switch (event.type) {
    case 'attempt-started':
      line.tests = ''
      line.state = 'agent'
      break
    case 'agent-ended':
      line.state = 'verifying'
      break
    case 'attempt-verified':
      line.state = data['passed'] === true ? 'passed' : 'failed'
      break
    case 'turn-ended':
      line.endedTurns += 1
      line.state = readText(data['state']) ?? line.state
      if (line.state === 'passed') line.passedTurns += 1
      break
    case 'trial-ended':
      line.state = readText(data['outcome']) ?? readText(readObject(data['outcome'] ?? null)['kind']) ?? 'ended'
      break
  }
  return line
}

function startLine(event: RunEvent): Line {
  return {
    name: event.trialId ?? '',
    plannedTurns: null,
    turn: null,
    attempt: null,
    tests: '',
    state: 'starting',
    passedTurns: 0,
    endedTurns: 0,
    startedAt: event.at,
    figures: null,
  }
}

function describeRun(event: RunEvent): string | null {
  const warning = readWarning(event)
  if (warning !== null) return warning
  return event.type === 'run-started' || event.type === 'run-ended' ? event.type.replace('-', ' ') : null
}

/** What went wrong on the way without ending anything. */
function readWarning(event: RunEvent): string | null {
  const data = readObject(event.data)
  if (event.type === 'run-warned') return `warning: ${cleanText(readText(data['message']) ?? '')}`
  if (event.type !== 'environment-retried') return null
  return `${cleanText(readText(data['name']) ?? '')}  environment failed, trying again: ${cleanText(readText(data['reason']) ?? '')}`
}

function describeTrial(event: RunEvent, line: Line): string | null {
  const warning = readWarning(event)
  if (warning !== null) return warning
  const where = `${cleanText(line.name)}  turn ${line.turn ?? '?'}`
  switch (event.type) {
    case 'trial-started':
      return `${cleanText(line.name)}  started${line.plannedTurns === null ? '' : `, ${line.plannedTurns} turns`}`
    case 'attempt-verified':
      return `${where} attempt ${line.attempt ?? '?'}  ${line.state}${line.tests === '' ? '' : `, ${line.tests} tests`}`
    case 'turn-ended':
      return line.state === 'passed' || line.state === 'failed' ? null : `${where}  ${line.state}`
    case 'trial-ended':
      return `${cleanText(line.name)}  ${line.state}, ${line.passedTurns} of ${line.plannedTurns ?? line.endedTurns} turns passed${writeFigures(line)}`
    default:
      return null
  }
}

function drawLines(
  lines: readonly Line[],
  options: LiveViewOptions,
  colors: ReturnType<typeof picocolors.createColors>,
  at: number,
): string {
  const shown = Math.max(1, (options.stream.rows ?? 24) - 3)
  const hidden = lines.length - shown
  const drawn = lines.slice(0, shown).map(line => drawLine(line, options, colors, at))
  return [...drawn, ...(hidden > 0 ? [colors.dim(`and ${hidden} more trials`)] : [])].join('\n')
}

function drawLine(line: Line, options: LiveViewOptions, colors: ReturnType<typeof picocolors.createColors>, at: number): string {
  const width = Math.max(40, options.stream.columns ?? 80)
  const seconds = `${Math.max(0, Math.round((at - line.startedAt) / 1000))}s`
  const turn = line.turn === null ? '' : `turn ${line.turn}${line.plannedTurns === null ? '' : `/${line.plannedTurns}`}`
  const attempt = line.attempt !== null && line.attempt > 1 ? `attempt ${line.attempt}` : ''
  const tests = line.tests === '' ? '' : `tests ${line.tests}`
  const facts = [turn, attempt, tests, `${line.passedTurns} passed`, seconds].filter(fact => fact !== '').join('  ')
  const text = `${cleanText(line.name)}  ${line.state}  ${facts}${writeFigures(line)}`
  const fitted = text.length <= width ? text : `${text.slice(0, width - 1)}…`
  if (line.state === 'failed' || line.state.endsWith('failed') || line.state === 'agent-error') return colors.red(fitted)
  return line.state === 'passed' || line.state === 'finished' ? colors.green(fitted) : fitted
}

function writeFigures(line: Line): string {
  if (line.figures === null) return ''
  const cost = line.figures.cost === null ? '' : `  ${line.figures.cost}`
  return `  ${line.figures.calls} calls  ${line.figures.tokens.toLocaleString('en-US')} tokens${cost}`
}

function readObject(value: Json): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {}
}

function readText(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function readNumber(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null
}
