import { describe, expect, it } from 'vitest'
import { addCharge, addTally, type Charge, chargeOf, openTally, sumTokens, tokensOf } from '../../proxy/budget-tally.ts'
import { answer, usage } from '../toll-rig.ts'

const charge = (change: Partial<Charge> = {}): Charge => ({
  model: 'm',
  usage,
  failed: false,
  complete: true,
  nanoUsd: 5,
  ...change,
})

describe('a tally', () => {
  it('adds classes and cost, and counts what is not known', () => {
    const tally = openTally()
    addCharge(tally, charge())
    addCharge(
      tally,
      charge({ usage: { ...usage, cachedWrite5m: 1, cachedWrite1h: 2, cachedWriteOther: 3 }, nanoUsd: null, model: 'free' }),
    )
    addCharge(tally, charge({ usage: null, nanoUsd: null }))
    addCharge(tally, charge({ usage: { ...usage, output: null }, nanoUsd: null, complete: false, model: 'cut' }))
    addCharge(tally, charge({ usage: null, failed: true, complete: false, nanoUsd: null }))
    expect(tally).toEqual({
      calls: 0,
      tokens: { input: 300, cachedRead: 120, cachedWrite: 6, output: 20 },
      unknownCalls: 2,
      uncountedCalls: 1,
      partialCalls: 1,
      nanoUsd: 5,
      pricedCalls: 1,
      unpricedCalls: 3,
      unpricedModels: new Set(['free', 'm']),
    })
    expect(sumTokens(tally)).toBe(446)
    expect(tokensOf(usage)).toBe(150)
    const both = openTally()
    addTally(both, { ...tally, calls: 4 })
    addTally(both, { ...tally, calls: 1 })
    expect(both).toMatchObject({ calls: 5, nanoUsd: 10, unpricedCalls: 6, tokens: { input: 600 }, uncountedCalls: 2 })
  })
})

describe('a charge', () => {
  const end = { status: 200, broken: false, modelAsked: 'asked' }
  const price = (): number => 7
  it('is made of what the answer says', () => {
    expect(chargeOf(answer, end, price)).toEqual({ model: 'model-1', usage, failed: false, complete: true, nanoUsd: 7 })
    expect(chargeOf({ ...answer, model: null }, end, price).model).toBe('asked')
  })
  it.each([
    ['no answer at all', null, end, true],
    ['an error', { ...answer, usage: null, error: { type: 'x', message: '' } }, end, true],
    ['an error after usage was told', { ...answer, error: { type: 'x', message: '' } }, end, false],
    ['half an answer without usage', { ...answer, usage: null, complete: false }, { ...end, broken: true }, false],
    [
      'nothing before a cut',
      { ...answer, usage: null, message: { role: 'assistant' as const, blocks: [] } },
      { ...end, broken: true },
      true,
    ],
    [
      'nothing with a bad status',
      { ...answer, usage: null, message: { role: 'assistant' as const, blocks: [] } },
      { ...end, status: 500 },
      true,
    ],
    [
      'an empty answer that ended well',
      { ...answer, usage: null, message: { role: 'assistant' as const, blocks: [] } },
      end,
      false,
    ],
  ])('of %s', (_, said, how, failed) => {
    expect(chargeOf(said, how, price).failed).toBe(failed)
  })
})
