import { expect, it } from 'vitest'
import { countRepeats, joinAnswerText, listToolUses } from '../../runner/wire-signs.ts'

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
