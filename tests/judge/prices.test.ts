import { describe, expect, it } from 'vitest'
import type { Usage } from '../../core/types.ts'
import { parsePriceBook, readPriceBook } from '../../judge/price-book.ts'
import { findEntry, priceUsage } from '../../judge/prices.ts'
import { makeUsage } from '../rows.ts'

const at = Date.parse('2026-06-01')

function usage(fields: Partial<Usage>): Usage {
  return makeUsage({ cachedWriteOther: 0, ...fields })
}

function entry(model: string, rates: string, more = ''): string {
  return `  - provider: test
    models: [${model}]
    usd_per_mtok: { ${rates} }
${more}    source_url: https://example.com/prices
    checked_on: '2026-01-01'
`
}

function book(...entries: readonly string[]) {
  return parsePriceBook(`schema: 1\nentries:\n${entries.join('')}`, 'prices.yaml')
}

const golden = book(
  entry('five', 'input: 5, cached_read: 0.5, cached_write_5m: 6.25, output: 25'),
  entry('half', 'input: 0.5, cached_read: 0.05, output: 3'),
  entry('three', 'input: 3, cached_read: 0.3, cached_write_other: 3.75, output: 15'),
  entry(
    'tiered',
    'input: 1.25, cached_read: 0.3125, output: 10',
    '    tiers:\n      - context_over: 200000\n        usd_per_mtok: { input: 2.5, cached_read: 0.625, output: 15 }\n',
  ),
)

function nano(model: string, fields: Partial<Usage>): number | null {
  return priceUsage(golden, { model, usage: usage(fields), at })?.nanoUsd ?? null
}

describe('golden costs that other tools got wrong', () => {
  it('counts cached tokens once when the total includes them: $0.16625, not $0.86', () => {
    expect(nano('five', { input: 172_000 - 155_000 - 3_000, cachedRead: 155_000, cachedWrite5m: 3_000 })).toBe(166_250_000)
  })
  it('prices reads at the read price: $0.0056, not $0.0137', () => {
    // 3,914 x .5 + 16,298 x .05 + 931 x 3 = 1,957 + 814.9 + 2,793 micro-dollars
    expect(nano('half', { input: 20_212 - 16_298, cachedRead: 16_298, output: 931 })).toBe(5_564_900)
  })
  it('takes writes out of the inclusive input: $0.004875, not $0.005775', () => {
    expect(nano('three', { input: 2_000 - 500 - 300, cachedRead: 500, cachedWriteOther: 300 })).toBe(4_875_000)
  })
  it('lets the tier hold for every class of the request: $0.1999, neither $0.7642 nor $0.1849', () => {
    // 5,005 x 2.5 + 257,955 x .625 + 1,744 x 15 = 12,512.5 + 161,221.875 + 26,160 micro-dollars
    expect(nano('tiered', { input: 262_960 - 257_955, cachedRead: 257_955, output: 1_744 })).toBe(199_894_375)
  })
  it('decides the tier by the whole context, cached tokens included', () => {
    expect(nano('tiered', { input: 10, cachedRead: 199_990 })).toBe(12_500 + 62_496_875)
    expect(nano('tiered', { input: 11, cachedRead: 199_990 })).toBe(27_500 + 124_993_750)
  })
})

describe('an unknown price is null, never 0', () => {
  it.each([
    ['a model that is not listed', 'six', {}],
    ['a class with tokens and no rate', 'half', { cachedWrite5m: 1 }],
    ['input the provider did not say', 'five', { input: null }],
    ['output the provider did not say', 'five', { output: null }],
    ['a stream that was cut', 'five', { source: 'wire-partial' as const }],
    ['figures that contradict each other', 'five', { inconsistent: true }],
    ['a service tier without a factor', 'five', { serviceTier: 'priority' }],
    ['a server-side tool without a price', 'five', { serverTools: { web_search_requests: 1 } }],
    ['a fast mode with a surcharge', 'five', { raw: { speed: 'fast' } }],
    ['regional inference with a surcharge', 'five', { raw: { inference_geo: 'us' } }],
  ])('%s', (_, model, fields) => expect(nano(model, { input: 10, output: 10, ...fields })).toBeNull())

  it('no usage, no model', () => {
    expect(priceUsage(golden, { model: 'five', usage: null, at })).toBeNull()
    expect(priceUsage(golden, { model: null, usage: usage({ input: 1 }), at })).toBeNull()
  })

  it('a provider that does not list the model, such as the simulated one', () => {
    expect(priceUsage(golden, { model: 'five', provider: 'simulated', usage: usage({ input: 1 }), at })).toBeNull()
  })

  it('but a class without tokens needs no rate, and a call without tokens costs exactly 0', () => {
    expect(nano('half', { cachedWrite5m: 0, input: 0 })).toBe(0)
    expect(nano('half', { cachedWrite5m: null, input: 2 })).toBe(1_000)
  })
})

describe('the price book', () => {
  it('keeps prices of different times apart', () => {
    const dated = book(
      entry('m', 'input: 2, output: 10', "    to: '2026-07-01'\n"),
      entry('m', 'input: 1, output: 5', "    from: '2026-07-01'\n"),
    )
    const price = (day: string) => priceUsage(dated, { model: 'm', usage: usage({ input: 1_000 }), at: Date.parse(day) })?.nanoUsd
    expect(price('2026-06-30T23:59:59Z')).toBe(2_000_000)
    expect(price('2026-07-01T00:00:00Z')).toBe(1_000_000)
  })

  it('prefers the most exact pattern and matches whole ids only', () => {
    const patterns = book(entry("'big*'", 'input: 1, output: 1'), entry('big-mini, big-mini-????', 'input: 2, output: 2'))
    expect(findEntry(patterns, 'big-mini-2026', null, at)?.rates.input).toBe(2_000_000)
    expect(findEntry(patterns, 'big-other', null, at)?.rates.input).toBe(1_000_000)
    expect(findEntry(patterns, 'not-big', null, at)).toBeNull()
  })

  it('halves a batch and multiplies the whole call', () => {
    const batch = book(entry('m', 'input: 2, output: 10', '    service_tiers: { batch: 0.5 }\n'))
    const price = priceUsage(batch, { model: 'm', usage: usage({ input: 1_000, output: 100, serviceTier: 'batch' }), at })
    expect(price).toEqual({ nanoUsd: 1_500_000, version: batch.version })
  })

  it('has another version when a byte of it changes', () => {
    expect(book(entry('m', 'input: 2, output: 1')).version).not.toBe(book(entry('m', 'input: 2, output: 2')).version)
  })

  it.each([
    ['schema: 2\nentries: []', 1, 'schema'],
    ['schema: 1\nentries:\n  - provider: x\n', 3, 'models: is missing'],
    ['schema: 1\nextra: 1\nentries: []', 2, 'extra: unknown key'],
    [`schema: 1\nentries:\n${entry('m', 'input: -1, output: 1')}`, 5, 'usd_per_mtok.input'],
    [`schema: 1\nentries:\n${entry('m', 'input: 1')}`, 5, 'output: is missing'],
    [`schema: 1\nentries:\n${entry('m', 'input: 1, output: 1, inptu: 3')}`, 5, 'inptu: unknown key'],
    [`schema: 1\nentries:\n${entry('m', 'input: 1, output: 1')}${entry('m', 'input: 1, output: 1')}`, 8, 'same time'],
    [`schema: 1\nentries:\n${entry('m', 'input: 0.0000001, output: 1')}`, 5, 'digits'],
    [`schema: 1\nentries:\n${entry('m', 'input: 1, output: 1', "    from: 'soon'\n")}`, 6, 'from: must be a date'],
    ['schema: 1\nentries: [', 2, 'prices.yaml:2'],
  ])('names file, line and key of what is wrong (%#)', (text, line, message) => {
    const load = () => parsePriceBook(text, 'prices.yaml')
    expect(load).toThrow(expect.objectContaining({ code: 'E_PRICES_INVALID' }))
    expect(load).toThrow(`prices.yaml:${line}:`)
    expect(load).toThrow(message)
  })

  it('that ships loads, names a source for every price, and lists no simulated model', async () => {
    const shipped = await readPriceBook('configs/prices.yaml')
    expect(shipped.entries.length).toBeGreaterThan(20)
    for (const entry of shipped.entries) {
      expect(entry.sourceUrl).toMatch(/^https:/)
      for (const rate of Object.values(entry.rates)) expect(rate).toBeGreaterThan(0)
      expect(entry.rates.cached_read ?? 0).toBeLessThan(entry.rates.input ?? 0)
    }
    expect(findEntry(shipped, 'claude-opus-4-5-20251101', 'anthropic', at)?.rates.output).toBe(25_000_000)
    expect(findEntry(shipped, 'simulated', null, at)).toBeNull()
  })
})
