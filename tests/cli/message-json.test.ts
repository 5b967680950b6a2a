import { expect, it } from 'vitest'
import { describeMessage, writeMessage } from '../../cli/message-json.ts'
import type { Message } from '../../core/types.ts'

const message: Message = {
  role: 'assistant',
  blocks: [
    { kind: 'text', text: 'line one\nline\u001b[31m two' },
    { kind: 'tool-call', id: 'c1', name: 'edit', input: { filePath: 'a.ts' }, inputText: '{"filePath":"a.ts"}' },
    { kind: 'tool-result', callId: 'c1', isError: true, content: [{ kind: 'text', text: 'no such file' }] },
  ],
  extra: { cache_control: { type: 'ephemeral' } },
}

it('names our fields in snake_case and leaves the content of tools alone', () => {
  expect(writeMessage(message)).toEqual({
    role: 'assistant',
    blocks: [
      { kind: 'text', text: 'line one\nline\u001b[31m two' },
      { kind: 'tool-call', id: 'c1', name: 'edit', input: { filePath: 'a.ts' }, input_text: '{"filePath":"a.ts"}' },
      { kind: 'tool-result', call_id: 'c1', is_error: true, content: [{ kind: 'text', text: 'no such file' }] },
    ],
  })
})

it('keeps what a model wrote from steering the terminal', () => {
  const lines = describeMessage(message, 30)
  expect(lines[0]).toBe('assistant: line one line[31m two')
  expect(lines[1]).toBe('assistant: → edit {"filePath":"a.ts"}')
  expect(lines[2]).toBe('assistant: ← (error) no such file')
  expect(describeMessage(message, 10)[1]).toBe('assistant: → edit {"…')
})
