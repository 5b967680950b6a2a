import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Json, RunEvent } from '../../core/types.ts'
import { createLiveView } from '../../report/live.ts'

class Screen extends Writable {
  text = ''
  readonly columns = 100
  readonly rows = 24
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

let events = 0
function event(type: string, data: Json, trialId: string | null = 't1'): RunEvent {
  events += 1
  return { id: `e${events}`, runId: 'r', trialId, type, at: 1000 * events, data }
}

const story = () => [
  event('run-started', {}, null),
  event('trial-started', { name: 'ledger.mini.1', plannedTurns: 2 }),
  event('attempt-started', { turn: 1, attempt: 1 }),
  event('agent-ended', { turn: 1, attempt: 1 }),
  event('attempt-verified', { turn: 1, attempt: 1, passed: false, testsPassed: 3, testsTotal: 8 }),
  event('attempt-started', { turn: 1, attempt: 2 }),
  event('attempt-verified', { turn: 1, attempt: 2, passed: true, testsPassed: 8, testsTotal: 8 }),
  event('turn-ended', { turn: 1, state: 'passed' }),
  event('turn-ended', { turn: 2, state: 'infra-error' }),
  event('trial-ended', { outcome: 'environment-failed' }),
  event('run-ended', {}, null),
]

describe('the live view without a terminal', () => {
  it('prints one plain line for each thing that happened', () => {
    const stream = new Screen()
    const view = createLiveView({ stream, isTty: false })
    for (const one of story()) {
      if (one.type === 'trial-ended') view.figures('t1', { calls: 4, tokens: 12_345, cost: '≥ $0.0100 (1 call unpriced)' })
      view.event(one)
    }
    view.done()
    expect(stream.text.split('\n')).toEqual([
      'run started',
      'ledger.mini.1  started, 2 turns',
      'ledger.mini.1  turn 1 attempt 1  failed, 3/8 tests',
      'ledger.mini.1  turn 1 attempt 2  passed, 8/8 tests',
      'ledger.mini.1  turn 2  infra-error',
      'ledger.mini.1  environment-failed, 1 of 2 turns passed  4 calls  12,345 tokens  ≥ $0.0100 (1 call unpriced)',
      'run ended',
      '',
    ])
  })

  it('passes on warnings, without the control sequences in them', () => {
    const stream = new Screen()
    const view = createLiveView({ stream, isTty: false })
    view.event(event('run-warned', { message: 'git is missing\u001b[2J' }, null))
    view.event(event('environment-retried', { name: 'ledger.mini.1', reason: 'disk full' }))
    expect(stream.text).toBe('warning: git is missing [2J\nledger.mini.1  environment failed, trying again: disk full\n')
  })

  it('takes events it does not know without a word', () => {
    const stream = new Screen()
    const view = createLiveView({ stream, isTty: false })
    view.event(event('something-new', [1, 2]))
    view.event(event('attempt-verified', null))
    view.done()
    expect(stream.text).toContain('turn ?')
  })
})

describe('the live view on a terminal', () => {
  it('draws a line per trial and leaves a finished trial above', async () => {
    const stream = new Screen()
    const view = createLiveView({ stream, isTty: true, color: false, now: () => 1000 * events })
    for (const one of story().slice(0, 5)) view.event(one)
    view.event(event('trial-started', { name: 'parser.mini.1', plannedTurns: 2 }, 't2'))
    await sleep(150)
    expect(stream.text).toMatch(/ledger\.mini\.1 {2}failed {2}turn 1\/2 {2}tests 3\/8/)
    expect(stream.text).toContain('parser.mini.1  starting')
    view.event(event('trial-ended', { outcome: 'finished' }))
    view.done()
    view.done()
    const after = stream.text.slice(stream.text.lastIndexOf('ledger.mini.1  finished'))
    expect(after).toContain('ledger.mini.1  finished')
    expect(after).toContain('parser.mini.1')
  })
})
