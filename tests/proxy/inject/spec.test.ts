import { describe, expect, it } from 'vitest'
import { parseInject } from '../../../proxy/inject/spec.ts'

const bare = { rate: null, calls: null, every: null, turns: null, model: null, protocol: null, times: null }

describe('the short form', () => {
  it('names faults, when they happen, and the seed', () => {
    const spec = parseInject(
      '429 rate=0.1 retry-after=2; cut after=3,call=2|5-7|9-; stall ms=500 turn=2; malformed event=4 every=3\nreset model=claude-* times=1;' +
        ' drip ms=5 protocol=openai-chat; seed=7;',
    )
    expect(spec.seed).toBe(7)
    expect(spec.rules).toEqual([
      {
        ...bare,
        number: 1,
        text: '429 rate=0.1 retry-after=2',
        fault: { kind: 'status', status: 429, retryAfterS: 2, afterEvents: 0, ms: 0 },
        rate: 0.1,
      },
      {
        ...bare,
        number: 2,
        text: 'cut after=3,call=2|5-7|9-',
        fault: { kind: 'cut', status: 0, retryAfterS: null, afterEvents: 3, ms: 0 },
        calls: [
          { from: 2, to: 2 },
          { from: 5, to: 7 },
          { from: 9, to: Number.POSITIVE_INFINITY },
        ],
      },
      {
        ...bare,
        number: 3,
        text: 'stall ms=500 turn=2',
        fault: { kind: 'stall', status: 0, retryAfterS: null, afterEvents: 0, ms: 500 },
        turns: [{ from: 2, to: 2 }],
      },
      expect.objectContaining({ every: 3, fault: { kind: 'malformed', status: 0, retryAfterS: null, afterEvents: 3, ms: 0 } }),
      expect.objectContaining({ model: 'claude-*', times: 1, fault: expect.objectContaining({ kind: 'reset' }) }),
      expect.objectContaining({ protocol: 'openai-chat', fault: expect.objectContaining({ kind: 'drip', ms: 5 }) }),
    ])
  })

  it('has a seed of its own when none is given, and takes model names with a colon', () => {
    const spec = parseInject('500 model=qwen:7b')
    expect(spec.seed).toBe(1)
    expect(spec.rules[0]?.model).toBe('qwen:7b')
  })

  it.each([
    ['', 'names no fault'],
    ['429; ctu', 'rule 2, character 6: unknown fault "ctu"; did you mean "cut"?'],
    ['200', 'rule 1, character 1: unknown fault "200"'],
    ['429 rat=0.1', 'rule 1, character 5: unknown word "rat"; did you mean "rate"?'],
    ['429 often', 'rule 1, character 5: "often" is no word=value'],
    ['429 call=1 call=2', 'rule 1, character 12: call is said twice'],
    ['429 after=1', 'rule 1, character 5: after does not go with 429'],
    ['cut retry-after=1', 'retry-after does not go with cut'],
    ['429 rate=0', 'rate must be above 0 and at most 1, got "0"'],
    ['429 rate=1.5', 'rate must be'],
    ['429 call=0', 'call must be like 3, 3-5, 3- or 2|4-6, got "0"'],
    ['429 call=5-3', 'call must be like'],
    ['429 turn=x', 'turn must be like'],
    ['429 every=0', 'every must be a whole number from 1, got "0"'],
    ['stall after=1', 'stall needs ms=MILLISECONDS'],
    ['malformed event=0', 'event must be a whole number from 1'],
    ['429 protocol=openai', 'unknown protocol "openai"'],
    ['429; seed=x', 'character 6: seed must be a whole number from 0, got "x"'],
  ])('refuses %j and says where', (text, message) => {
    expect(() => parseInject(text)).toThrow(
      expect.objectContaining({ code: 'E_INJECT_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
