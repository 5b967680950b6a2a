import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { drawEnded, drawFrame, packFacts } from '../../report/live-frame.ts'
import { applyInput, createLiveState, type LiveState, trialOf } from '../../report/live-state.ts'
import { widthOf } from '../../report/text-width.ts'
import { anyInputs, begun, eventAt, figuresAt, fold, plan, start, trialBegun, turnOf } from './live-story.ts'

const plain = picocolors.createColors(false)
const colourful = picocolors.createColors(true)
const at = (seconds: number): number => start + seconds * 1000

/** Twelve trials, four at once: one of each thing a trial can be at, two that ended, one that pauses, the others not begun. */
const busy: LiveState = fold([
  begun(12, 36),
  trialBegun(0, 't1', 'ledger.mini.1'),
  trialBegun(0, 't2', 'parser.claude-code@claude-sonnet-4-5.1', 3, 'parser'),
  trialBegun(0, 't3', '日本語のタスク.mini.1'),
  trialBegun(0, 't4', 'tiny.nop.1', 1, 'tiny'),
  ...turnOf(1, 't4', 1, [false], 4),
  eventAt(5, 'trial-ended', { outcome: 'finished' }, 't4'),
  trialBegun(6, 't5', 'shop.mini.1'),
  ...turnOf(7, 't5', 1, [true], 20),
  eventAt(28, 'trial-ended', { outcome: 'environment-failed', reason: 'provider answered 529' }, 't5'),
  eventAt(28, 'trial-retried', { retry: 1, retriesMax: 3, pauseMs: 90_000 }, 't5'),
  ...turnOf(2, 't1', 1, [false, true], 15),
  eventAt(33, 'attempt-started', { turn: 2, attempt: 1 }, 't1'),
  figuresAt(61, 't1', 14, { inFlight: 1 }),
  ...turnOf(3, 't2', 1, [true], 30),
  eventAt(34, 'attempt-started', { turn: 2, attempt: 2 }, 't2'),
  eventAt(60, 'agent-ended', { turn: 2, attempt: 2 }, 't2'),
  figuresAt(60, 't2', 41),
  eventAt(9, 'environment-opened', {}, 't3'),
  eventAt(10, 'trial-continued', { turn: 1 }, 't3'),
  eventAt(12, 'attempt-started', { turn: 2, attempt: 1 }, 't3'),
  figuresAt(62, 't3', 6, { inFlight: 1, heldBy: 'anthropic' }),
  trialBegun(63, 't6', 'late.mini.1'),
])

const draw = (state: LiveState, width: number, height: number, seconds = 70): string[] =>
  drawFrame(state, { width, height }, at(seconds), plain)

describe('a frame', () => {
  it.each([
    [40, 23],
    [80, 23],
    [120, 29],
    [200, 49],
    [80, 6],
    [80, 3],
  ])('of %i columns and %i lines looks as it did', async (width, height) => {
    const lines = draw(busy, width, height)
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../fixtures/golden/live/frame-${width}x${height}.txt`)
  })

  it('begins with the plan alone and ends without an estimate', async () => {
    const first = draw(fold([begun(12, 36)]), 100, 20, 0)
    expect(first).toEqual([expect.stringMatching(/ {2}0% {2}0\/36 turns {2}0s$/), '0/12 trials done · 12 waiting'])
    const over = [
      begun(1, 1),
      trialBegun(0, 't1', 'a', 1),
      ...turnOf(0, 't1', 1, [true]),
      eventAt(11, 'trial-ended', { outcome: 'finished' }),
    ]
    const last = draw(fold([...over, eventAt(11, 'run-ended', { state: 'finished' }, null)]), 100, 20, 500)
    expect(last).toEqual([expect.stringMatching(/^━+ {2}100% {2}1\/1 turns, 1 passed {2}11s$/), '1/1 trial done'])
  })

  it('shows those at work first and counts the others', () => {
    const lines = draw(busy, 80, 6)
    expect(lines).toHaveLength(6)
    expect(lines[0]).toMatch(/^● ledger/)
    expect(lines.join('\n')).toContain('more trials at work')
    expect(
      draw(busy, 120, 29)
        .filter(line => /^[●○] /.test(line))
        .at(-1),
    ).toMatch(/^○ shop\.mini\.1 .*retry 1\/3 in 48s/)
  })

  it('has no column that says nothing, and none that moves while a trial works', () => {
    const one = { ...plan, attempts: 1 }
    const events = [begun(1, 3), trialBegun(0, 't1', 'a', 3, 'unnamed'), eventAt(1, 'attempt-started', { turn: 1, attempt: 1 })]
    const [head] = draw(fold(events, one), 160, 20)
    expect(head).toMatch(/^ {2}trial +turn +doing +time$/)
    const answering = draw(fold([...events, figuresAt(2, 't1', 1, { inFlight: 1 })]), 160, 20)[0]
    const working = draw(fold([...events, figuresAt(2, 't1', 1)]), 160, 20)[0]
    expect(answering).toBe(working)
  })

  it('is never wider or higher than it may be, in any state of any run', () => {
    const width = fc.integer({ min: 1, max: 220 })
    const height = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(anyInputs, width, height, fc.boolean(), (inputs, columns, rows, isColourful) => {
        const state = inputs.reduce(applyInput, createLiveState(plan))
        const colours = isColourful ? colourful : plain
        const lines = drawFrame(state, { width: columns, height: rows }, at(50), colours)
        const ended = [...state.trials.values()].map(trial => drawEnded(trial, columns, colours))
        expect(lines.length).toBeLessThanOrEqual(rows)
        for (const line of [...lines, ...ended]) {
          expect(line).not.toMatch(/[\n\r\t]/)
          expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(columns)
        }
      }),
      { numRuns: 400, examples: [[[{ event: eventAt(0, 'trial-ended', { outcome: 'a\u001b[31mb\nc' }) }], 13, 0, false]] },
    )
  })

  it('has every trial in it where there is room', () => {
    fc.assert(
      fc.property(anyInputs, inputs => {
        const state = inputs.reduce(applyInput, createLiveState(plan))
        const active = [...state.trials.values()].filter(trial => trial.phase === 'running' || trial.phase === 'waiting')
        expect(draw(state, 120, 60).filter(line => /^[●○!] /.test(line))).toHaveLength(active.length)
      }),
    )
  })
})

describe('what a trial leaves', () => {
  const ended = (outcome: string, reason: string | null, verdicts: readonly boolean[]) => {
    const turns = verdicts.flatMap((passed, index) => turnOf(index * 10, 't1', index + 1, [passed]))
    const more = [figuresAt(29, 't1', 12), eventAt(31, 'trial-ended', { outcome, reason })]
    const trial = trialOf(fold([begun(1, 3), trialBegun(0, 't1', 'ledger.mini.1'), ...turns, ...more]), 't1')
    if (trial === null) throw new Error('no trial')
    return trial
  }

  it('tells how it ended, and what it cost', () => {
    expect(drawEnded(ended('finished', null, [true, true, true]), 120, plain)).toBe(
      '✓ ledger.mini.1  finished  3 of 3 turns passed  ✓✓✓  12 calls  19k in, 1.1k out  $0.0504  31s',
    )
    expect(drawEnded(ended('finished', null, [true, false, true]), 120, plain)).toMatch(/^– .* 2 of 3 turns passed {2}✓✗✓/)
    expect(drawEnded(ended('agent-failed', 'turn 1: the agent ended with exit status 3', [true]), 120, plain)).toMatch(
      /^✗ ledger.mini.1 {2}agent-failed {2}1 of 3 turns passed .* 31s {2}turn 1: the agent .*…$/,
    )
  })

  it('keeps the most telling where the screen is narrow', () => {
    expect(drawEnded(ended('finished', null, [true, true, true]), 60, plain)).toBe(
      '✓ ledger.mini.1  finished  3 of 3 turns passed  ✓✓✓  $0.0504',
    )
    expect(drawEnded(ended('finished', null, [true, true, true]), 40, plain)).toBe('✓ ledger.mini.1  finished  3 of 3 turns…')
  })
})

it('packs facts without breaking one', () => {
  expect(packFacts(['one', 'two', 'three'], 9)).toEqual(['one · two', 'three'])
  expect(packFacts(['a long fact', 'b'], 6)).toEqual(['a lon…', 'b'])
})
