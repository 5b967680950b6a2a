// Reads signs of trouble from the raw bodies of an agent's model calls, whatever their protocol: which tools were called in a row, and with what words.
// Pure; best effort on purpose, because a protocol it does not know must not break a run.

export interface ToolUse {
  readonly name: string
  readonly input: string
}

/** The tool calls of a request's history, in order. */
export function listToolUses(body: string): ToolUse[] {
  const found: ToolUse[] = []
  try {
    walk(JSON.parse(body), found)
  } catch {
    // No JSON, no history.
  }
  return found
}

function walk(value: unknown, found: ToolUse[]): void {
  if (Array.isArray(value)) for (const item of value) walk(item, found)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return
  const fields = value as Readonly<Record<string, unknown>>
  const { name } = fields
  const input = fields['input'] ?? fields['arguments'] ?? fields['args']
  // tool_use, function (in tool_calls), function_call, functionCall: each a name with its input. A tool's definition has a schema instead.
  if (typeof name === 'string' && input !== undefined) {
    found.push({ name, input: typeof input === 'string' ? input : JSON.stringify(input) })
    return
  }
  for (const item of Object.values(fields)) walk(item, found)
}

/** How often the last tool call was made in a row, with the same input. */
export function countRepeats(uses: readonly ToolUse[]): number {
  const last = uses.at(-1)
  if (last === undefined) return 0
  const other = uses.findLastIndex(use => use.name !== last.name || use.input !== last.input)
  return uses.length - 1 - other
}

/** Calls that a request's history holds and the first request of the attempt did not: earlier turns have their own. */
export function listOwnUses(first: string, last: string): ToolUse[] {
  const [before, uses] = [listToolUses(first), listToolUses(last)]
  // A shorter history was compacted: it is a new one.
  return uses.length < before.length ? uses : uses.slice(before.length)
}

/** Names that a request offers as tools, wherever its protocol lists them; empty = none could be read. */
export function listOfferedTools(body: string): Set<string> {
  const names = new Set<string>()
  const collect = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string' && (key === 'name' || key === 'type')) names.add(item)
      else collect(item)
    }
  }
  try {
    const request = JSON.parse(body) as Readonly<Record<string, unknown>>
    collect(request['tools'])
    // Some agents bring tools along as an item of the conversation.
    const items = Array.isArray(request['input']) ? (request['input'] as unknown[]) : []
    for (const item of items) if (JSON.stringify(item).includes('"additional_tools"')) collect(item)
  } catch {
    // No JSON, no tools.
  }
  return names
}

/** An error inside a stream that began well; quoted text of a conversation cannot look like this. */
export const saysOverflow = (body: string): boolean =>
  /"(?:code|type|stop_reason)"\s*:\s*"(?:context_length_exceeded|model_context_window_exceeded)"/.test(body)

/** What a model said in an answer, its pieces joined: a streamed command comes in many. */
export function joinAnswerText(body: string): string {
  const pieces = [...body.matchAll(/"(?:partial_json|arguments|delta|text|input|command|cmd)"\s*:\s*"((?:[^"\\]|\\.)*)"/g)]
  return pieces.map(piece => (piece[1] ?? '').replaceAll('\\"', '"').replaceAll('\\n', '\n')).join('')
}
