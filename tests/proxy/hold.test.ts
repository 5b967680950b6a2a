import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHold } from '../../proxy/hold.ts'

const marks = ['\nevent: message_stop', '\ndata: [DONE]']

function run(chunks: readonly Buffer[]) {
  const hold = createHold(marks)
  const passed: Buffer[] = []
  const held: Buffer[] = []
  for (const chunk of chunks) {
    const split = hold.push(chunk)
    if (split.pass !== null) {
      expect(held).toHaveLength(0)
      passed.push(split.pass)
    }
    if (split.held !== null) held.push(split.held)
  }
  return { passed: Buffer.concat(passed).toString(), held: Buffer.concat(held).toString(), terminal: hold.terminal() }
}

describe('the hold', () => {
  it('passes everything before the terminal event and holds everything from it on', () => {
    const { passed, held } = run([Buffer.from('event: a\n\nevent: message_stop\ndata: {}\n\n'), Buffer.from(': more')])
    expect(passed).toBe('event: a\n')
    expect(held).toBe('\nevent: message_stop\ndata: {}\n\n: more')
  })
  it('never completes a terminal event for the agent, however the stream is cut', () => {
    const stream = 'event: content\ndata: {"text":"data: [DONE"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), sizes => {
        const chunks: Buffer[] = []
        for (let at = 0, index = 0; at < stream.length; index++) {
          const size = sizes[index % sizes.length] ?? 1
          chunks.push(Buffer.from(stream.slice(at, at + size)))
          at += size
        }
        const { passed, held, terminal } = run(chunks)
        expect(passed + held).toBe(stream)
        expect(terminal).toBe(true)
        expect(passed).not.toContain('event: message_stop')
      }),
    )
  })
  it('finds a terminal event that is the first thing in the stream', () => {
    expect(run([Buffer.from('data: [DO'), Buffer.from('NE]\n\n')])).toMatchObject({
      passed: 'data: [DO',
      held: 'NE]\n\n',
      terminal: true,
    })
    expect(run([Buffer.from('data: [DONE]\n\n')])).toMatchObject({ passed: '', terminal: true })
  })
  it('is not fooled by text that talks about it', () => {
    expect(run([Buffer.from('data: {"text":"say data: [DONE] now"}\n\n')]).terminal).toBe(false)
  })
  it('holds nothing when there are no marks or none comes', () => {
    expect(createHold([]).push(Buffer.from('data: [DONE]')).held).toBeNull()
    expect(run([Buffer.from('data: hello')]).held).toBe('')
  })
})
