// What a recorded call says, read off its raw text in the plainest way and without any of the product's code: the other opinion that
// scripts/check-captures.ts holds the decoders against. Knows only the wire formats' own field names.

type Row = Record<string, unknown>

export interface PlainReading {
  /** Name and argument text of every tool call in the answer, in order of their first appearance. */
  readonly toolCalls: ReadonlyArray<readonly [name: string, argumentText: string]>
  readonly thinking: string
  readonly text: string
  /** Tokens in the product's classes; null where the wire says nothing. */
  readonly usage: PlainUsage | null
}

export interface PlainUsage {
  readonly context: number | null
  readonly cachedRead: number | null
  readonly output: number | null
  readonly reasoning: number | null
}

/** How many there are of each in a request's history. */
export interface PlainHistory {
  readonly toolCalls: number
  readonly toolResults: number
  readonly thinking: number
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)
const row = (value: unknown): Row => (isRow(value) ? value : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** The JSON documents in a body: one, one per server-sent event, or one per line. */
export function readDocuments(body: string): Row[] {
  const whole = parse(body)
  if (whole !== undefined) return (Array.isArray(whole) ? whole : [whole]).filter(isRow)
  const isStream = /^(event|data|id|:)/.test(body.trimStart())
  const parts = isStream ? body.split(/\r?\n\r?\n/).map(readData) : body.split('\n')
  return parts.map(parse).filter(isRow)
}

function readData(event: string): string {
  const lines = event.split(/\r?\n/).filter(line => line.startsWith('data:'))
  return lines.map(line => line.slice(5).replace(/^ /, '')).join('\n')
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

export function readAnswer(protocol: string, body: string): PlainReading {
  const documents = readDocuments(body)
  if (protocol === 'anthropic-messages') return readAnthropic(documents)
  if (protocol === 'openai-chat') return readChat(documents)
  if (protocol === 'openai-responses') return readResponses(documents)
  return readGemini(documents)
}

function readAnthropic(documents: readonly Row[]): PlainReading {
  const blocks = new Map<number, { row: Row; json: string; said: string }>()
  const counts: Record<string, number> = {}
  const count = (usage: unknown): void => {
    for (const [name, value] of Object.entries(row(usage)))
      if (typeof value === 'number') counts[name] = Math.max(counts[name] ?? 0, value)
  }
  for (const document of documents) {
    if (document['type'] === 'message')
      for (const [at, block] of list(document['content']).entries())
        blocks.set(at, { row: row(block), json: JSON.stringify(row(block)['input'] ?? {}), said: '' })
    count(document['usage'])
    count(row(document['message'])['usage'])
    const index = Number(document['index'])
    if (document['type'] === 'content_block_start') blocks.set(index, { row: row(document['content_block']), json: '', said: '' })
    const [block, delta] = [blocks.get(index), row(document['delta'])]
    if (document['type'] !== 'content_block_delta' || block === undefined) continue
    block.json += text(delta['partial_json'])
    block.said += text(delta['thinking']) + text(delta['text'])
  }
  const all = [...blocks.values()]
  const said = (type: string, key: string): string =>
    all
      .filter(block => block.row['type'] === type)
      .map(block => text(block.row[key]) + block.said)
      .join('')
  const has = Object.keys(counts).length > 0
  const written = counts['cache_creation_input_tokens'] ?? 0
  const cached = counts['cache_read_input_tokens'] ?? null
  return {
    toolCalls: all.filter(block => block.row['type'] === 'tool_use').map(block => [text(block.row['name']), block.json] as const),
    thinking: said('thinking', 'thinking'),
    text: said('text', 'text'),
    usage: has
      ? {
          context: (counts['input_tokens'] ?? 0) + written + (cached ?? 0),
          cachedRead: cached,
          output: counts['output_tokens'] ?? null,
          reasoning: null,
        }
      : null,
  }
}

function readChat(documents: readonly Row[]): PlainReading {
  const calls = new Map<number, [string, string]>()
  let [thinking, said] = ['', '']
  let usage: PlainUsage | null = null
  for (const document of documents) {
    const choice = row(list(document['choices'])[0])
    const message = isRow(choice['delta']) ? choice['delta'] : row(choice['message'])
    thinking += text(message['reasoning_content']) || text(message['reasoning'])
    said += text(message['content'])
    for (const [at, call] of list(message['tool_calls']).map(row).entries()) {
      const index = number(call['index']) ?? at
      const known = calls.get(index) ?? ['', '']
      const named = row(call['function'])
      calls.set(index, [known[0] + text(named['name']), known[1] + text(named['arguments'])])
    }
    if (isRow(document['usage'])) usage = openaiUsage(document['usage'], 'prompt_tokens', 'completion_tokens')
  }
  return { toolCalls: [...calls.values()], thinking, text: said, usage }
}

function openaiUsage(usage: Row, input: string, output: string): PlainUsage {
  const read = row(usage[`${input}_details`])
  const written = row(usage[`${output}_details`])
  return {
    context: number(usage[input]),
    cachedRead: number(read['cached_tokens']),
    output: number(usage[output]),
    reasoning: number(written['reasoning_tokens']),
  }
}

const responseCalls = new Set(['function_call', 'custom_tool_call', 'local_shell_call'])

function readResponses(documents: readonly Row[]): PlainReading {
  const items: Row[] = []
  let usage: PlainUsage | null = null
  for (const document of documents) {
    const response = row(document['response'] ?? (document['object'] === 'response' ? document : undefined))
    if (document['type'] === 'response.output_item.done') items.push(row(document['item']))
    else if (document['object'] === 'response') items.push(...list(document['output']).map(row))
    if (isRow(response['usage'])) usage = openaiUsage(response['usage'], 'input_tokens', 'output_tokens')
  }
  const texts = (type: string, key: string): string =>
    items
      .filter(item => item['type'] === type)
      .flatMap(item => list(item[key]).map(part => text(row(part)['text'])))
      .join('')
  return {
    toolCalls: items
      .filter(item => responseCalls.has(text(item['type'])))
      .map(item => [text(item['name']), text(item['arguments']) || text(item['input'])] as const),
    thinking: texts('reasoning', 'summary') || texts('reasoning', 'content'),
    text: texts('message', 'content'),
    usage,
  }
}

function readGemini(documents: readonly Row[]): PlainReading {
  const parts = documents.flatMap(document => list(row(row(list(document['candidates'])[0])['content'])['parts']).map(row))
  const last = documents
    .map(document => document['usageMetadata'])
    .filter(isRow)
    .at(-1)
  const sum = (...values: unknown[]): number => values.reduce<number>((total, value) => total + (number(value) ?? 0), 0)
  return {
    toolCalls: parts
      .filter(part => isRow(part['functionCall']))
      .map(part => [text(row(part['functionCall'])['name']), JSON.stringify(row(part['functionCall'])['args'] ?? {})] as const),
    thinking: parts
      .filter(part => part['thought'] === true)
      .map(part => text(part['text']))
      .join(''),
    text: parts
      .filter(part => part['thought'] !== true)
      .map(part => text(part['text']))
      .join(''),
    usage: last
      ? {
          context: sum(last['promptTokenCount'], last['toolUsePromptTokenCount']),
          cachedRead: number(last['cachedContentTokenCount']),
          // The total tells whether thoughts are counted among the candidates, as some relays do, or beside them.
          output:
            number(last['totalTokenCount']) === null
              ? sum(last['candidatesTokenCount'], last['thoughtsTokenCount'])
              : sum(last['totalTokenCount']) - sum(last['promptTokenCount'], last['toolUsePromptTokenCount']),
          reasoning: number(last['thoughtsTokenCount']),
        }
      : null,
  }
}

export function readHistory(protocol: string, body: string): PlainHistory {
  const request = row(parse(body))
  const has = (blocks: readonly Row[], test: (block: Row) => boolean): number => blocks.filter(test).length
  const isType =
    (...types: string[]) =>
    (block: Row): boolean =>
      types.includes(text(block['type']))
  if (protocol === 'anthropic-messages') {
    const blocks = list(request['messages']).flatMap(message => list(row(message)['content']).map(row))
    return {
      toolCalls: has(blocks, isType('tool_use')),
      toolResults: has(blocks, isType('tool_result')),
      thinking: has(blocks, isType('thinking', 'redacted_thinking')),
    }
  }
  if (protocol === 'openai-chat') {
    const messages = list(request['messages']).map(row)
    return {
      toolCalls: messages.reduce((sum, message) => sum + list(message['tool_calls']).length, 0),
      toolResults: has(messages, message => message['role'] === 'tool'),
      thinking: has(messages, message => text(message['reasoning_content']) !== '' || text(message['reasoning']) !== ''),
    }
  }
  if (protocol === 'openai-responses') {
    const items = list(request['input']).map(row)
    return {
      toolCalls: has(items, isType(...responseCalls)),
      toolResults: has(items, item => text(item['type']).endsWith('call_output')),
      thinking: has(items, isType('reasoning')),
    }
  }
  const parts = list(request['contents']).flatMap(content => list(row(content)['parts']).map(row))
  return {
    toolCalls: has(parts, part => isRow(part['functionCall'])),
    toolResults: has(parts, part => isRow(part['functionResponse'])),
    thinking: has(parts, part => part['thought'] === true),
  }
}
