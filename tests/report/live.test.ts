import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLiveView, type LiveViewOptions } from '../../report/live.ts'
import { begun, eventAt, figuresOf, plan, start, trialBegun, turnOf } from './live-story.ts'
import { createTerminal } from './terminal-screen.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: start, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function open(options: Partial<LiveViewOptions> = {}) {
  let text = ''
  let writes = 0
  const terminal = createTerminal(options.isTty === false ? 1000 : 100)
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString()
      writes += 1
      terminal.take(chunk.toString())
      done()
    },
  })
  const sized = Object.assign(stream, { columns: 100, rows: 24 })
  const view = createLiveView({ stream: sized, isTty: true, color: false, plan, ...options })
  return { view, stream: sized, terminal, text: () => text, writes: () => writes }
}

const figures = { trialId: 't1', at: start, trial: figuresOf(4), run: figuresOf(4), inFlight: 0, heldBy: null }

describe('the live view without a terminal', () => {
  it('writes stamped lines and nothing that moves', () => {
    const { view, text } = open({ isTty: false })
    view.note('installing a program')
    view.event(begun(1, 3))
    view.event(trialBegun(1, 't1', 'ledger.mini.1'))
    for (const event of turnOf(2, 't1', 1, [true])) view.event(event)
    view.figures(figures)
    view.event(eventAt(3725, 'trial-ended', { outcome: 'finished' }))
    view.done()
    view.done()
    expect(text().split('\n')).toEqual([
      '[0:00] installing a program',
      '[0:00] run nightly started, 1 trial, 3 turns',
      '[0:01] ledger.mini.1  started, 3 turns',
      '[0:12] ledger.mini.1  turn 1 attempt 1  passed, 8/8 tests, 10s',
      '[1:02:05] ledger.mini.1  finished, 1 of 3 turns passed, 4 calls, 6.4k in (75% cached), 360 out, $0.0168, 1h 02m',
      '',
    ])
    expect(text()).not.toMatch(/[^\n\P{Cc}]/u)
  })

  it('tells where the run stands every half minute at most, seldom where nothing happens, and not after its end', () => {
    const { view, text } = open({ isTty: false })
    const summaries = () =>
      text()
        .split('\n')
        .filter(line => line.includes('] progress  '))
    view.event(begun(1, 3))
    vi.advanceTimersByTime(29_000)
    view.figures(figures)
    expect(summaries()).toHaveLength(0)
    vi.advanceTimersByTime(2_000)
    expect(summaries()).toEqual([expect.stringMatching(/^\[0:3\d] progress {2}0\/3 turns.* · 4 calls/)])
    for (let second = 0; second < 60; second++) {
      view.figures(figures)
      vi.advanceTimersByTime(1000)
    }
    expect(summaries()).toHaveLength(3)
    vi.advanceTimersByTime(290_000)
    expect(summaries().length).toBeLessThanOrEqual(4)
    vi.advanceTimersByTime(320_000)
    const told = summaries().length
    expect(told).toBeGreaterThan(3)
    view.done()
    vi.advanceTimersByTime(900_000)
    expect(summaries()).toHaveLength(told)
  })
})

describe('the live view on a terminal', () => {
  it('draws those at work and leaves a line of each that has ended', () => {
    const { view, terminal } = open()
    view.event(begun(2, 6))
    view.event(trialBegun(0, 't1', 'ledger.mini.1'))
    view.event(trialBegun(0, 't2', 'parser.mini.1'))
    vi.advanceTimersByTime(200)
    expect(terminal.lines().filter(line => line.startsWith('● '))).toHaveLength(2)
    view.event(eventAt(1, 'trial-ended', { outcome: 'agent-failed', reason: 'exit 3' }))
    view.note('a word\u001b[2J beside it')
    view.event(eventAt(2, 'run-warned', { message: 'git is missing' }, null))
    expect(terminal.lines().slice(0, 3)).toEqual([
      '✗ ledger.mini.1  agent-failed  0 of 3 turns passed  1s  exit 3',
      'a word [2J beside it',
      'warning: git is missing',
    ])
    expect(terminal.lines().filter(line => line.startsWith('● '))).toEqual([expect.stringContaining('parser.mini.1')])
  })

  it('ends with the sums, below what stays, with the terminal as it was', () => {
    const { view, terminal, writes } = open()
    view.event(begun(1, 3))
    view.event(trialBegun(0, 't1', 'ledger.mini.1'))
    for (const event of turnOf(2, 't1', 1, [true])) view.event(event)
    view.event(eventAt(20, 'trial-ended', { outcome: 'finished' }))
    view.done()
    const before = writes()
    view.done()
    view.figures(figures)
    vi.advanceTimersByTime(10_000)
    expect(writes()).toBe(before)
    expect(terminal.lines()).toEqual([
      '– ledger.mini.1  finished  1 of 3 turns passed  ✓  20s',
      expect.stringMatching(/ 33% {2}1\/3 turns, 1 passed/),
      '1/1 trial done',
    ])
    expect(terminal.modes()).toEqual({ '?7': true, '?2026': false })
  })

  it('is cleared when the run breaks off before it began', () => {
    const { view, terminal } = open()
    view.done()
    expect(terminal.lines()).toEqual([])
  })

  it('is drawn ten times a second at most, and its clocks go on by themselves', () => {
    const { view, terminal, writes } = open()
    view.event(begun(1, 3))
    view.event(trialBegun(0, 't1', 'ledger.mini.1'))
    vi.advanceTimersByTime(1_000)
    const before = writes()
    for (let step = 0; step < 1000; step++) {
      view.figures({ ...figures, trial: figuresOf(step), run: figuresOf(step) })
      vi.advanceTimersByTime(1)
    }
    expect(writes() - before).toBeLessThanOrEqual(12)
    expect(writes() - before).toBeGreaterThan(5)
    vi.advanceTimersByTime(58_000)
    expect(terminal.lines().join('\n')).toMatch(/ledger\.mini\.1 .* starting environment 1m 00s .* 1m 00s/)
  })

  it('is drawn anew when the window has another size', () => {
    const { view, stream, terminal } = open()
    view.event(begun(1, 3))
    view.event(trialBegun(0, 't1', 'ledger.mini.1'))
    vi.advanceTimersByTime(200)
    stream.columns = 50
    terminal.resize(50)
    stream.emit('resize')
    expect(terminal.lines()).toHaveLength(4)
    expect(terminal.lines().every(line => line.length <= 50)).toBe(true)
    view.done()
    expect(stream.listenerCount('resize')).toBe(0)
  })

  it('takes colour where it may, and none else', () => {
    for (const color of [true, false]) {
      const { view, text } = open({ color })
      view.event(begun(1, 3))
      view.event(trialBegun(0, 't1', 'a'))
      view.event(eventAt(1, 'trial-ended', { outcome: 'agent-failed' }))
      view.done()
      expect(text().includes('\u001b[31m')).toBe(color)
    }
  })
})
