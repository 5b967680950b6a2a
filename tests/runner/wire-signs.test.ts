import { expect, it } from 'vitest'
import {
  countRepeats,
  joinAnswerText,
  listOfferedTools,
  listOwnUses,
  listToolUses,
  saysOverflow,
} from '../../runner/wire-signs.ts'

const use = (name: string, input: string) => ({ name, input })

it('lists the tool calls of a history in every dialect, and no definitions', () => {
  const bodies = [
    {
      tools: [{ name: 'bash', input_schema: {} }],
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'bash', input: { command: 'ls' } }] }],
    },
    {
      tools: [{ function: { name: 'bash', parameters: {} } }],
      messages: [{ tool_calls: [{ id: 'a', function: { name: 'bash', arguments: '{"command":"ls"}' } }] }],
    },
    { input: [{ type: 'function_call', call_id: 'a', name: 'bash', arguments: '{"command":"ls"}' }] },
    { contents: [{ parts: [{ functionCall: { name: 'bash', args: { command: 'ls' } } }] }] },
  ]
  for (const body of bodies) expect(listToolUses(JSON.stringify(body))).toEqual([use('bash', '{"command":"ls"}')])
  expect(listToolUses('not JSON')).toEqual([])
})

it('counts how often the last call was made in a row', () => {
  const [list, other] = [use('bash', 'ls'), use('bash', 'pwd')]
  expect(countRepeats([])).toBe(0)
  expect(countRepeats([list, other, list, list])).toBe(2)
  expect(countRepeats([list, list, other])).toBe(1)
  expect(countRepeats([list, list, list])).toBe(3)
})

it('joins what came in pieces', () => {
  const stream =
    'data: {"delta":{"type":"input_json_delta","partial_json":"{\\"command\\": \\"pk"}}\n\ndata: {"delta":{"partial_json":"ill node\\"}"}}\n'
  expect(joinAnswerText(stream)).toBe('{"command": "pkill node"}')
})

it('leaves out the calls of earlier turns, unless the history was compacted', () => {
  const history = (...commands: string[]) =>
    JSON.stringify({ messages: commands.map(command => ({ type: 'tool_use', name: 'bash', input: { command } })) })
  expect(listOwnUses(history('a', 'b'), history('a', 'b'))).toEqual([])
  expect(listOwnUses(history('a', 'b'), history('a', 'b', 'c'))).toEqual([use('bash', '{"command":"c"}')])
  expect(listOwnUses(history('a', 'b'), history('c'))).toEqual([use('bash', '{"command":"c"}')])
})

it('lists what is offered in every dialect', () => {
  const offered = (body: object) => [...listOfferedTools(JSON.stringify(body))]
  const input_schema = { properties: { name: { description: 'x' } } }
  expect(offered({ tools: [{ name: 'bash', input_schema }], messages: [{ name: 'no' }] })).toEqual(['bash'])
  expect(offered({ tools: [{ type: 'function', function: { name: 'bash' } }] })).toEqual(['function', 'bash'])
  expect(offered({ tools: [{ functionDeclarations: [{ name: 'bash' }] }] })).toEqual(['bash'])
  const extra = { type: 'additional_tools', tools: [{ type: 'namespace', name: 'box', tools: [{ name: 'bash' }] }] }
  expect(offered({ input: [{ type: 'message', name: 'no' }, extra] })).toContain('bash')
  expect(offered({ input: [{ type: 'message', name: 'no' }] })).toEqual([])
  expect(listOfferedTools('no JSON').size).toBe(0)
})

it('reads a full context from a stream, and not from what somebody quotes', () => {
  expect(saysOverflow('data: {"response":{"error":{"code":"context_length_exceeded"}}}')).toBe(true)
  expect(saysOverflow('{"stop_reason": "model_context_window_exceeded"}')).toBe(true)
  expect(saysOverflow(JSON.stringify({ text: '{"code":"context_length_exceeded"}' }))).toBe(false)
})
