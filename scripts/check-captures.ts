// Recorded agent traffic (JSON Lines, gzip allowed) through import, store and decoders, each call held against a plain reading of its raw
// text: byte-exact bodies, every tool call with its arguments, thinking, text and usage. npx tsx scripts/check-captures.ts FILE…
// For developers who have such recordings; the project needs none.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { decodeExchange, isCall } from '../convert/decode.ts'
import { importFiles } from '../convert/import.ts'
import type { Answer, Block, Conversation, Exchange, Usage } from '../core/types.ts'
import { agentSessionOf, attribute, presentedKeys } from '../proxy/attribute.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { type PlainReading, type PlainUsage, readAnswer, readHistory } from './plain-reading.ts'

interface Row {
  readonly method: string
  readonly path: string
  readonly request_body: string | null
  readonly status: number
  readonly response_body: string | null
}

interface Tally {
  exchanges: number
  calls: number
  toolCalls: number
  thinking: number
  usage: number
  wrong: string[]
}

function readRows(file: string): Row[] {
  const bytes = readFileSync(file)
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Row)
}

const blocksOf = (blocks: readonly Block[], kind: Block['kind']): Block[] => blocks.filter(block => block.kind === kind)
const textsOf = (blocks: readonly Block[], kind: 'text' | 'thinking'): string =>
  blocks.flatMap(block => (block.kind === kind ? [block.text] : [])).join('')

function compareAnswer(answer: Answer | null, plain: PlainReading, tally: Tally, place: string): void {
  const blocks = answer?.message.blocks ?? []
  const calls = blocks.flatMap(block => (block.kind === 'tool-call' ? [block] : []))
  tally.toolCalls += plain.toolCalls.length
  tally.thinking += plain.thinking === '' ? 0 : 1
  if (calls.length !== plain.toolCalls.length)
    tally.wrong.push(`${place}: ${calls.length} tool calls, plainly ${plain.toolCalls.length}`)
  for (const [at, [name, text]] of plain.toolCalls.entries()) {
    const call = calls[at]
    if (call !== undefined && (call.name !== name || !sameJson(call.inputText, text)))
      tally.wrong.push(
        `${place}: tool call ${at} is ${call.name} ${call.inputText.slice(0, 60)}, plainly ${name} ${text.slice(0, 60)}`,
      )
  }
  for (const kind of ['text', 'thinking'] as const)
    if (textsOf(blocks, kind).replaceAll('\n', '') !== plain[kind].replaceAll('\n', ''))
      tally.wrong.push(`${place}: ${kind} differs: ${textsOf(blocks, kind).slice(0, 60)} | ${plain[kind].slice(0, 60)}`)
  compareUsage(answer?.usage ?? null, plain.usage, tally, place)
}

function sameJson(a: string, b: string): boolean {
  if (a === b) return true
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b))
  } catch {
    return false
  }
}

function compareUsage(usage: Usage | null, plain: PlainUsage | null, tally: Tally, place: string): void {
  if (plain === null) {
    if (usage !== null && usage.source !== 'none') tally.wrong.push(`${place}: usage out of nothing`)
    return
  }
  tally.usage++
  const sum = (...values: Array<number | null | undefined>): number =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0)
  const { input, cachedRead, cachedWrite5m, cachedWrite1h, cachedWriteOther, output, reasoning } = usage ?? {}
  const found = {
    context: sum(input, cachedRead, cachedWrite5m, cachedWrite1h, cachedWriteOther),
    cachedRead: cachedRead ?? 0,
    output: output ?? 0,
    reasoning: reasoning ?? 0,
  }
  for (const key of ['context', 'cachedRead', 'output', 'reasoning'] as const)
    if (found[key] !== (plain[key] ?? 0)) tally.wrong.push(`${place}: usage ${key} ${found[key]}, plainly ${plain[key]}`)
}

function compareHistory(conversation: Conversation, protocol: string, body: string, tally: Tally, place: string): void {
  const plain = readHistory(protocol, body)
  const blocks = conversation.messages.flatMap(message => message.blocks)
  const opaque = (pattern: RegExp): number => blocks.filter(block => block.kind === 'opaque' && pattern.test(block.type)).length
  const found = {
    toolCalls: blocksOf(blocks, 'tool-call').length,
    toolResults: blocksOf(blocks, 'tool-result').length,
    thinking: blocksOf(blocks, 'thinking').length + opaque(/thinking|reasoning/),
  }
  for (const key of ['toolCalls', 'toolResults', 'thinking'] as const)
    if (found[key] !== plain[key]) tally.wrong.push(`${place}: ${found[key]} ${key} in the history, plainly ${plain[key]}`)
}

async function compareExchange(store: Store, exchange: Exchange, row: Row, tally: Tally): Promise<void> {
  const place = `${exchange.method} ${exchange.path} #${tally.exchanges}`
  tally.exchanges++
  const request = (await store.readBody(exchange.id, 'request'))?.bytes.toString() ?? ''
  if (request !== (row.request_body ?? '')) tally.wrong.push(`${place}: the stored request differs`)
  const response = (await store.readBody(exchange.id, 'response'))?.bytes.toString() ?? ''
  // Messages of a socket are stored in frames; what they say is compared below.
  if (exchange.method !== 'WS' && response !== (row.response_body ?? '')) tally.wrong.push(`${place}: the stored answer differs`)
  if (!isCall(exchange) || exchange.protocol === null) return
  const decoded = await decodeExchange(store, exchange)
  if ('reason' in decoded) return void tally.wrong.push(`${place}: not decoded: ${decoded.reason}`)
  tally.calls++
  compareHistory(decoded.conversation, exchange.protocol, request, tally, place)
  if ((row.method === 'WS' || (row.status >= 200 && row.status < 300)) && row.response_body)
    compareAnswer(decoded.answer, readAnswer(exchange.protocol, row.response_body), tally, place)
}

async function check(file: string): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-check-'))
  const store = await openStore(directory)
  const tally: Tally = { exchanges: 0, calls: 0, toolCalls: 0, thinking: 0, usage: 0, wrong: [] }
  const identify = (url: string, headers: Parameters<typeof attribute>[1]) => {
    const { path, query } = attribute(url, headers)
    return { path, query, session: null, agentSession: agentSessionOf(headers), secrets: presentedKeys(headers, query) }
  }
  const options = { files: [file], directory: process.cwd(), format: 'capture', name: 'check', skipBad: false, identify }
  const report = await importFiles(store, { ...options, signal: new AbortController().signal, onProgress: () => undefined })
  const rows = readRows(file)
  const exchanges = await store.exchanges({})
  if (exchanges.length !== rows.length)
    tally.wrong.push(`${rows.length} rows, ${exchanges.length} exchanges (${report.skipped.length} skipped)`)
  for (const [at, exchange] of exchanges.entries()) {
    const row = rows[at]
    if (row !== undefined) await compareExchange(store, exchange, row, tally)
  }
  const { bad } = await store.verify()
  if (bad.length > 0) tally.wrong.push(`verify: ${bad.length} bad`)
  await store.close()
  await rm(directory, { recursive: true, force: true })
  const { exchanges: count, calls, toolCalls, thinking, usage, wrong } = tally
  const name = basename(file).replace(/\.jsonl(\.gz)?$/, '')
  console.log(
    `${name.padEnd(24)} ${count} exchanges, ${calls} calls: ${toolCalls} tool calls, ${thinking} with thinking, ${usage} usages  ${wrong.length === 0 ? 'as plainly read' : `${wrong.length} DIFFERENCES`}`,
  )
  for (const line of wrong.slice(0, 6)) console.log(`    ${line}`)
  return wrong.length === 0
}

const results: boolean[] = []
for (const file of process.argv.slice(2)) results.push(await check(file))
process.exitCode = results.every(Boolean) ? 0 : 1
