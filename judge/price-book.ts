// The price book: a versioned table of list prices, read from YAML and checked to the line and key. Sits before prices.ts.
// A price that cannot be stated exactly is left out of the book; nothing here ever defaults a price to zero.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'
import { TurnpikeError } from '../core/errors.ts'

export const tokenClasses = [
  'input',
  'cached_read',
  'cached_write_5m',
  'cached_write_1h',
  'cached_write_other',
  'output',
] as const
export type TokenClass = (typeof tokenClasses)[number]

/** Pico-dollars per token, integers: $1 per million tokens is 1,000,000 pico-dollars a token. */
export type Rates = Readonly<Partial<Record<TokenClass, number>>>

export interface PriceTier {
  /** Holds for the whole request when its context (all input classes) is above this many tokens. */
  readonly contextOver: number
  readonly rates: Rates
}

export interface PriceEntry {
  readonly provider: string
  /** Whole model ids; `*` any characters, `?` one. */
  readonly models: readonly string[]
  /** Milliseconds since 1970; from inclusive, to exclusive. */
  readonly from: number
  readonly to: number
  readonly rates: Rates
  readonly tiers: readonly PriceTier[]
  /** Above this context the price is not known. */
  readonly contextMax: number
  /** Factor in thousandths by the provider's service tier; a tier that is not listed has no known price. */
  readonly serviceTiers: Readonly<Record<string, number>>
  /** Pico-dollars per unit of a server-side tool. */
  readonly serverTools: Readonly<Record<string, number>>
  readonly sourceUrl: string
  readonly checkedOn: string
  readonly line: number
}

export interface PriceBook {
  /** `prices-` and the first 12 hex digits of the file's SHA-256: stored with every cost. */
  readonly version: string
  readonly file: string
  readonly entries: readonly PriceEntry[]
}

interface Source {
  readonly file: string
  readonly lines: LineCounter
}

function fail(source: Source, node: { range?: readonly number[] | null } | null | undefined, message: string): never {
  const offset = node?.range?.[0]
  const line = offset === undefined ? 1 : source.lines.linePos(offset).line
  throw new TurnpikeError('E_PRICES_INVALID', `${source.file}:${line}: ${message}`)
}

export async function readPriceBook(file: string): Promise<PriceBook> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the price book ${file}`, { cause })
  }
  return parsePriceBook(text, file)
}

export function parsePriceBook(text: string, file: string): PriceBook {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const source = { file, lines }
  const broken = document.errors[0]
  if (broken !== undefined)
    throw new TurnpikeError('E_PRICES_INVALID', `${file}:${broken.linePos?.[0].line ?? 1}: ${broken.message.split('\n')[0]}`)
  const root = document.contents
  if (!isMap(root)) fail(source, root, 'the price book must be a mapping with the keys schema and entries')
  const fields = readFields(source, root, ['schema', 'entries'], ['schema', 'entries'])
  if (readScalar(fields.get('schema')) !== 1)
    fail(source, fields.get('schema'), 'schema: must be 1; update turnpike for newer price books')
  const list = fields.get('entries')
  if (!isSeq(list)) fail(source, list, 'entries: must be a list')
  const entries = list.items.map((item, index) => {
    if (!isMap(item)) fail(source, item as Node | null, `entries[${index}]: must be a mapping`)
    return readEntry(source, item, `entries[${index}]`)
  })
  refuseOverlaps(source, entries)
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { version: `prices-${hash}`, file, entries }
}

const entryKeys = [
  'provider',
  'models',
  'from',
  'to',
  'usd_per_mtok',
  'tiers',
  'context_max',
  'service_tiers',
  'server_tools_usd',
  'source_url',
  'checked_on',
]

function readEntry(source: Source, map: YAMLMap, path: string): PriceEntry {
  const fields = readFields(source, map, entryKeys, ['provider', 'models', 'usd_per_mtok', 'source_url', 'checked_on'])
  const at = (key: string): string => `${path}.${key}`
  const models = fields.get('models')
  if (!isSeq(models) || models.items.length === 0) fail(source, models, `${at('models')}: must be a list of model ids`)
  const from = readTime(source, fields.get('from'), at('from'), Number.NEGATIVE_INFINITY)
  const to = readTime(source, fields.get('to'), at('to'), Number.POSITIVE_INFINITY)
  if (from >= to) fail(source, fields.get('to'), `${at('to')}: must be after from`)
  const sourceUrl = readText(source, fields.get('source_url'), at('source_url'))
  if (!/^https:\/\/\S+$/.test(sourceUrl)) fail(source, fields.get('source_url'), `${at('source_url')}: must be an https address`)
  const checkedOn = readText(source, fields.get('checked_on'), at('checked_on'))
  if (!/^\d{4}-\d\d-\d\d$/.test(checkedOn))
    fail(source, fields.get('checked_on'), `${at('checked_on')}: must be a date, YYYY-MM-DD`)
  const max = fields.get('context_max')
  return {
    provider: readText(source, fields.get('provider'), at('provider')),
    models: models.items.map((item, index) => readText(source, item as Node, `${at('models')}[${index}]`)),
    from,
    to,
    rates: readRates(source, fields.get('usd_per_mtok'), at('usd_per_mtok')),
    tiers: readTiers(source, fields.get('tiers'), at('tiers')),
    contextMax: max === undefined ? Number.POSITIVE_INFINITY : readCount(source, max, at('context_max')),
    serviceTiers: {
      standard: 1000,
      default: 1000,
      ...readAmounts(source, fields.get('service_tiers'), at('service_tiers'), 1000),
    },
    serverTools: readAmounts(source, fields.get('server_tools_usd'), at('server_tools_usd'), 1e12),
    sourceUrl,
    checkedOn,
    line: source.lines.linePos(map.range?.[0] ?? 0).line,
  }
}

function readRates(source: Source, node: Node | undefined, path: string): Rates {
  if (!isMap(node)) fail(source, node, `${path}: must be a mapping of token classes to US dollars per million tokens`)
  readFields(source, node, tokenClasses, ['input', 'output'])
  return readAmounts(source, node, path, 1e6)
}

function readTiers(source: Source, node: Node | undefined, path: string): PriceTier[] {
  if (node === undefined) return []
  if (!isSeq(node)) fail(source, node, `${path}: must be a list`)
  return node.items
    .map((item, index) => {
      if (!isMap(item)) fail(source, item as Node | null, `${path}[${index}]: must be a mapping`)
      const fields = readFields(source, item, ['context_over', 'usd_per_mtok'], ['context_over', 'usd_per_mtok'])
      return {
        contextOver: readCount(source, fields.get('context_over'), `${path}[${index}].context_over`),
        rates: readRates(source, fields.get('usd_per_mtok'), `${path}[${index}].usd_per_mtok`),
      }
    })
    .sort((a, b) => a.contextOver - b.contextOver)
}

/** A mapping of names to non-negative decimals, as integers of `1 / unit`. */
function readAmounts(source: Source, node: Node | undefined, path: string, unit: number): Record<string, number> {
  if (node === undefined) return {}
  if (!isMap(node)) fail(source, node, `${path}: must be a mapping of names to numbers`)
  const amounts: Record<string, number> = {}
  for (const pair of node.items as Pair<Node, Node>[]) {
    const key = String(readScalar(pair.key))
    const value = readScalar(pair.value)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      fail(source, pair.value ?? pair.key, `${path}.${key}: must be a number of zero or more`)
    const scaled = Math.round(value * unit)
    if (Math.abs(value * unit - scaled) > 1e-3)
      fail(source, pair.value, `${path}.${key}: has more digits than can be counted exactly`)
    amounts[key] = scaled
  }
  return amounts
}

function readFields(source: Source, map: YAMLMap, allowed: readonly string[], required: readonly string[]): Map<string, Node> {
  const fields = new Map<string, Node>()
  for (const pair of map.items as Pair<Node, Node | null>[]) {
    const key = String(readScalar(pair.key))
    if (!allowed.includes(key)) fail(source, pair.key, `${key}: unknown key; allowed are ${allowed.join(', ')}`)
    if (pair.value === null) fail(source, pair.key, `${key}: has no value`)
    fields.set(key, pair.value)
  }
  for (const key of required) if (!fields.has(key)) fail(source, map, `${key}: is missing`)
  return fields
}

function readScalar(node: Node | null | undefined): unknown {
  return isScalar(node) ? node.value : undefined
}

function readText(source: Source, node: Node | undefined, path: string): string {
  const value = readScalar(node)
  if (typeof value !== 'string' || value.trim() === '') fail(source, node, `${path}: must be a text`)
  return value
}

function readCount(source: Source, node: Node | undefined, path: string): number {
  const value = readScalar(node)
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0)
    fail(source, node, `${path}: must be a whole number above zero`)
  return value
}

function readTime(source: Source, node: Node | undefined, path: string, fallback: number): number {
  if (node === undefined) return fallback
  const value = readText(source, node, path)
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) fail(source, node, `${path}: must be a date, YYYY-MM-DD or YYYY-MM-DDTHH:MMZ`)
  return time
}

/** The same pattern may be listed again only for another time. */
function refuseOverlaps(source: Source, entries: readonly PriceEntry[]): void {
  const seen = new Map<string, PriceEntry[]>()
  for (const entry of entries)
    for (const model of entry.models) {
      const key = `${entry.provider} ${model}`
      const clash = (seen.get(key) ?? []).find(other => entry.from < other.to && other.from < entry.to)
      if (clash !== undefined)
        throw new TurnpikeError(
          'E_PRICES_INVALID',
          `${source.file}:${entry.line}: models: ${model} has a price for the same time on line ${clash.line}`,
        )
      seen.set(key, [...(seen.get(key) ?? []), entry])
    }
}
