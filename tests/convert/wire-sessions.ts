// Random sessions as request bodies, in the dialect of each protocol: histories grow, go back, are edited in the middle, end in texts
// that are dropped again, take turns with others; settings, tools and spelling change. Made of filler.
import fc from 'fast-check'
import type { Json, JsonObject } from '../../core/types.ts'

export interface Dialect {
  readonly protocol: string
  readonly path: string
  readonly field: string
  readonly user: (text: string) => Json
  readonly assistant: (text: string, call: string | null) => readonly Json[]
  readonly result: (call: string, text: string) => Json
  /** In front of the history, or in the middle of it. */
  readonly system: (text: string) => Json
  readonly body: (history: readonly Json[], system: string, tools: readonly string[]) => JsonObject
}

const anthropicBody: Dialect['body'] = (messages, system, tools) => ({
  messages,
  system: [
    { type: 'text', text: 'Billing line.' },
    { type: 'text', text: system },
  ],
  tools: tools.map(text => ({ name: text.slice(0, 6), description: text, input_schema: { type: 'object' } })),
})
const anthropic: Omit<Dialect, 'protocol' | 'path'> = {
  field: 'messages',
  user: text => ({ role: 'user', content: text }),
  assistant: (text, call) => [
    {
      role: 'assistant',
      content: [
        { type: 'text', text },
        ...(call === null ? [] : [{ type: 'tool_use', id: call, name: 'bash', input: { command: text } }]),
      ],
    },
  ],
  result: (call, text) => ({ role: 'user', content: [{ type: 'tool_result', tool_use_id: call, content: text }] }),
  system: text => ({ role: 'system', content: text }),
  body: anthropicBody,
}
const chatTool = (text: string): Json => ({ type: 'function', function: { name: text.slice(0, 6), description: text } })

export const dialects: readonly Dialect[] = [
  { ...anthropic, protocol: 'anthropic-messages', path: '/v1/messages' },
  { ...anthropic, protocol: 'bedrock-invoke', path: '/model/m/invoke' },
  {
    protocol: 'bedrock-converse',
    path: '/model/m/converse',
    field: 'messages',
    user: text => ({ role: 'user', content: [{ text }] }),
    assistant: (text, call) => [
      {
        role: 'assistant',
        content: [{ text }, ...(call === null ? [] : [{ toolUse: { toolUseId: call, name: 'bash', input: { text } } }])],
      },
    ],
    result: (call, text) => ({ role: 'user', content: [{ toolResult: { toolUseId: call, content: [{ text }] } }] }),
    system: text => ({ role: 'system', content: [{ text }] }),
    body: (messages, system, tools) => ({
      messages,
      system: [{ text: system }],
      toolConfig: { tools: tools.map(text => ({ toolSpec: { name: text.slice(0, 6), description: text } })) },
    }),
  },
  {
    protocol: 'openai-chat',
    path: '/v1/chat/completions',
    field: 'messages',
    user: text => ({ role: 'user', content: text }),
    assistant: (text, call) => [
      {
        role: 'assistant',
        content: text,
        ...(call === null
          ? {}
          : { tool_calls: [{ id: call, type: 'function', function: { name: 'bash', arguments: '{"a":1}' } }] }),
      },
    ],
    result: (call, text) => ({ role: 'tool', tool_call_id: call, content: text }),
    system: text => ({ role: 'developer', content: text }),
    body: (history, system, tools) => ({
      messages: [{ role: 'system', content: system }, { role: 'developer', content: 'Be short.' }, ...history],
      tools: tools.map(chatTool),
    }),
  },
  {
    protocol: 'openai-responses',
    path: '/v1/responses',
    field: 'input',
    user: text => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }),
    assistant: (text, call) => [
      { type: 'reasoning', summary: [], encrypted_content: `secret ${text}` },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] },
      ...(call === null ? [] : [{ type: 'function_call', call_id: call, name: 'bash', arguments: JSON.stringify({ text }) }]),
    ],
    result: (call, text) => ({ type: 'function_call_output', call_id: call, output: text }),
    // Tools may stand in the history too.
    system: text =>
      text.length % 2 === 0
        ? { type: 'additional_tools', role: 'developer', tools: [{ type: 'custom', name: text.slice(0, 5) }] }
        : { role: 'developer', content: text },
    body: (history, system, tools) => ({
      instructions: system,
      input: [{ role: 'developer', content: 'Be short.' }, ...history],
      tools: tools.map(text => ({ type: 'function', name: text.slice(0, 6), description: text })),
    }),
  },
  {
    protocol: 'gemini',
    path: '/v1beta/models/m:generateContent',
    field: 'contents',
    user: text => ({ role: 'user', parts: [{ text }] }),
    // Without ids: results find their calls by name.
    assistant: (text, call) => [
      {
        role: 'model',
        parts: [
          { text },
          ...(call === null ? [] : [{ functionCall: { name: 'bash', args: { text } } }, { functionCall: { name: 'ls' } }]),
        ],
      },
    ],
    result: (_call, text) => ({
      role: 'user',
      parts: [
        { functionResponse: { name: 'ls', response: { output: text } } },
        { functionResponse: { name: 'bash', response: { output: text } } },
      ],
    }),
    system: text => ({ role: 'system', parts: [{ text }] }),
    body: (contents, system, tools) => ({
      contents,
      systemInstruction: { parts: [{ text: system }] },
      tools: [{ functionDeclarations: tools.map(text => ({ name: text.slice(0, 6), description: text })) }],
    }),
  },
]

export type Step =
  | 'say'
  | 'tool'
  | 'system'
  | 'odd'
  | 'retry'
  | 'rewind'
  | 'edit'
  | 'reminder'
  | 'switch'
  | 'preamble'
  | 'settings'
export const steps: fc.Arbitrary<Step> = fc.constantFrom<Step[]>(
  ...([
    'say',
    'say',
    'tool',
    'tool',
    'system',
    'odd',
    'retry',
    'rewind',
    'edit',
    'reminder',
    'switch',
    'preamble',
    'settings',
  ] as const),
)

export interface SessionShape {
  readonly dialect: Dialect
  readonly steps: ReadonlyArray<{ readonly step: Step; readonly size: number; readonly at: number }>
  /** Where the history stands in the body. */
  readonly historyFirst: boolean
  readonly spaced: boolean
}

export const sessionShapes: fc.Arbitrary<SessionShape> = fc.record({
  dialect: fc.constantFrom(...dialects),
  // Small elements share pieces, large ones have their own.
  steps: fc.array(fc.record({ step: steps, size: fc.constantFrom(3, 40, 300, 900), at: fc.nat(30) }), {
    minLength: 2,
    maxLength: 24,
  }),
  historyFirst: fc.boolean(),
  spaced: fc.boolean(),
})

const filler = (seed: string, chars: number): string =>
  `${seed} "quoted\\" ü ${'lorem ipsum '.repeat(80)}`.slice(0, chars + seed.length)

/** The bodies of the requests in order. */
export function writeSession({
  dialect,
  steps: script,
  historyFirst,
  spaced,
}: SessionShape): Array<{ body: JsonObject; bytes: Buffer }> {
  const bodies: Array<{ body: JsonObject; bytes: Buffer }> = []
  const histories: Json[][] = [[], []]
  let current = 0
  let system = filler('You are a test.', 400)
  let tools = ['read', 'write', 'search'].map(name => filler(name, 500))
  let settings: JsonObject = { temperature: 0.5 }
  const send = (tail: readonly Json[]): void => {
    const { [dialect.field]: history = [], ...rest } = dialect.body([...(histories[current] ?? []), ...tail], system, tools)
    const body = historyFirst
      ? { model: 'm', [dialect.field]: history, ...rest, ...settings }
      : { model: 'm', ...rest, ...settings, [dialect.field]: history, stream: true }
    bodies.push({ body, bytes: Buffer.from(JSON.stringify(body, null, spaced ? 1 : undefined)) })
  }
  for (const [index, { step, size, at }] of script.entries()) {
    const history = histories[current] ?? []
    const text = filler(`${step} ${index}`, size)
    if (step === 'say') history.push(dialect.user(text), ...dialect.assistant(filler(`said ${index}`, size), null))
    else if (step === 'tool') history.push(...dialect.assistant(text, `call_${index}`), dialect.result(`call_${index}`, text))
    else if (step === 'system') history.push(dialect.system(text))
    else if (step === 'odd') history.push({ type: 'unheard', text }, text, 7, ['list'])
    else if (step === 'rewind') history.splice(at % (history.length + 1))
    else if (step === 'edit' && history.length > 0) history[at % history.length] = dialect.user(`edited ${text}`)
    else if (step === 'switch') current = 1 - current
    else if (step === 'preamble') [system, tools] = [filler(`New ${index}.`, size), tools.toReversed()]
    else if (step === 'settings') settings = { temperature: index, metadata: { turn: text } }
    send(step === 'reminder' ? [dialect.user(`<reminder>${text}`)] : [])
  }
  return bodies
}
