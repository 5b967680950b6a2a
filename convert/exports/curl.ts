// Each request as a shell script that sends it again: body in a file beside it, key and base address from the environment. Answers are
// not written; a message on a WebSocket has no script.

import type { Exchange, HeaderList } from '../../core/types.ts'
import { protocolById } from '../../protocols/_all.ts'
import type { ExportedExchange, ExportFormat, ExportTarget } from './_adapter.ts'

export default {
  id: 'curl',
  title: 'one directory: a runnable script and a body file for each request',
  writes: 'directory',
  loses: 'answers, times, WebSocket messages; the host is yours to name',
  write,
} satisfies ExportFormat

async function write(exchanges: AsyncIterable<ExportedExchange>, target: ExportTarget): Promise<number> {
  let count = 0
  for await (const exported of exchanges) {
    if (exported.exchange.method === 'WS') continue
    count += 1
    const number = String(count).padStart(4, '0')
    const body = exported.request !== null && exported.request.bytes.length > 0 ? exported.request : null
    const script = await target.openFile(`${number}.sh`, { executable: true })
    await script.write(writeScript(exported, body === null ? null : `${number}-body.bin`)).finally(script.close)
    if (body === null) continue
    const file = await target.openFile(`${number}-body.bin`)
    await file.write(body.bytes).finally(file.close)
  }
  return count
}

/** Where each protocol's own provider is; any other is named by BASE_URL. */
const homes: Readonly<Record<string, { readonly url: string; readonly key: string }>> = {
  'anthropic-messages': { url: 'https://api.anthropic.com', key: 'ANTHROPIC_API_KEY' },
  'openai-chat': { url: 'https://api.openai.com', key: 'OPENAI_API_KEY' },
  'openai-responses': { url: 'https://api.openai.com', key: 'OPENAI_API_KEY' },
  gemini: { url: 'https://generativelanguage.googleapis.com', key: 'GEMINI_API_KEY' },
}

/** What curl writes itself, or what belonged to the recorded connection. */
const ownHeaders = new Set([
  'host',
  'content-length',
  'connection',
  'accept-encoding',
  'expect',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
])

function writeScript({ exchange, request }: ExportedExchange, bodyFile: string | null): string {
  const home = exchange.protocol === null ? undefined : homes[exchange.protocol]
  const key = home?.key ?? 'API_KEY'
  const masked = exchange.requestHeaders.filter(([, value]) => isMasked(value))
  const base = home === undefined ? 'BASE_URL:?set it to the address of the provider' : `BASE_URL:=${home.url}`
  const query = exchange.query.replaceAll(/=\*+(?=&|$)/g, '=MASKED')
  const address = `${exchange.path}${query === '' ? '' : `?${query}`}`
  const headers = writeHeaders(exchange, request?.decodedFrom != null).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`)
  const credential = masked.length === 0 ? [] : writeCredential(exchange, key)
  const options = [...headers, ...credential, ...(bodyFile === null ? [] : [`--data-binary @${bodyFile}`])]
  const secrets = request?.masked.length ?? 0
  return [
    '#!/bin/sh',
    `# ${oneLine(exchange.method)} ${oneLine(exchange.path)}, recorded ${new Date(exchange.startedAt).toISOString()}, answered ${exchange.status ?? 'never'}`,
    ...(secrets > 0 ? [`# ${secrets} secrets in the body are masked with *`] : []),
    'set -eu',
    'cd "$(dirname "$0")"',
    `: "\${${base}}"`,
    ...(masked.length === 0 ? [] : [`: "\${${key}:?set it to your key}"`]),
    `exec curl --silent --show-error --no-buffer --globoff -X ${quote(exchange.method)} "$BASE_URL"${quote(address)} \\`,
    ...options.map(option => `  ${option} \\`),
    '  "$@"',
    '',
  ].join('\n')
}

function writeHeaders(exchange: Exchange, isDecoded: boolean): HeaderList {
  return exchange.requestHeaders.filter(([name, value]) => {
    const lower = name.toLowerCase()
    if (ownHeaders.has(lower) || isMasked(value)) return false
    return !(isDecoded && lower === 'content-encoding')
  })
}

/** The key in the headers the protocol presents it in, put in by the shell. */
function writeCredential(exchange: Exchange, key: string): string[] {
  const protocol = exchange.protocol === null ? null : protocolById(exchange.protocol)
  const pairs = protocol?.writeKey('KEY') ?? [['authorization', 'Bearer KEY'] as const]
  return pairs.map(([name, value]) => {
    const [before = '', after = ''] = value.split('KEY')
    return `-H ${quote(`${name}: ${before}`)}"$${key}"${after === '' ? '' : quote(after)}`
  })
}

/** At least four: shorter runs of asterisks occur in values of their own right. */
function isMasked(value: string): boolean {
  return /\*{4,}$/.test(value)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Nothing recorded may end a comment. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
