// The last byte and the commit: a recorder that takes its time, or fails, in front of a real store.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../core/errors.ts'
import { awsEventStreamFraming } from '../../protocols/_framing-aws-event-stream.ts'
import type { Recorder, Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { ask } from '../client.ts'
import { openRig, type Rig } from '../rig.ts'
import { chunk, lastChunk, reply, startUpstream, streamHead, type Upstream } from '../upstream.ts'

const bytesOf = (data: object): string => JSON.stringify({ bytes: Buffer.from(JSON.stringify(data)).toString('base64') })
const converseEvents = [
  { event: 'contentBlockDelta', data: '{"delta":{"text":"metadata"},"contentBlockIndex":0}' },
  { event: 'metadata', data: '{"usage":{}}' },
]
const invokeEvents = [
  {
    event: 'chunk',
    data: bytesOf({ type: 'content_block_delta', delta: { type: 'text_delta', text: '{"type":"message_stop"}' } }),
  },
  { event: 'chunk', data: bytesOf({ type: 'message_stop', more: 1 }) },
]
const sse = 'event: message_start\ndata: {}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
const answers = {
  'a counted answer': reply('200 OK', ['content-type: application/json'], '{"type":"message"}'),
  'a chunked answer': Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
    chunk('{"type":'),
    chunk('"message"}'),
    Buffer.from(lastChunk),
  ]),
  'an answer without a body': Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'),
  'a stream': Buffer.concat([Buffer.from(streamHead), chunk(sse), Buffer.from(lastChunk)]),
  'a stream whose upstream lingers': Buffer.concat([Buffer.from(streamHead), chunk(sse)]),
}

/** Streams of other protocols and framings: head, what passes, and the terminal event that must wait. */
const others = [
  {
    path: '/v1beta/models/m:streamGenerateContent?alt=sse',
    type: 'text/event-stream',
    passes: 'data: {"candidates":[{"content":{"parts":[{"text":"say \\"finishReason\\":\\"STOP\\""}]}}]}\n\n',
    waits: 'data: {"candidates":[{"content":{"parts":[{"text":""}]},"finishReason": "STOP"}]}\n\n',
    mark: '"STOP"}]}\n',
  },
  ...(['bedrock-converse', 'bedrock-invoke'] as const).map(id => {
    const events = id === 'bedrock-converse' ? converseEvents : invokeEvents
    const [passes = '', waits = ''] = [...awsEventStreamFraming.writeEvents(events)]
    const path = id === 'bedrock-converse' ? '/model/m/converse-stream' : '/model/m/invoke-with-response-stream'
    return { path, type: awsEventStreamFraming.contentType, passes, waits, mark: waits.slice(-8) }
  }),
]

let directory: string
let store: Store
let upstream: Upstream
let rig: Rig

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-answer-'))
  store = await openStore(directory)
})

afterEach(async () => {
  await rig.close()
  await upstream.close()
  await rm(directory, { recursive: true, force: true })
})

async function open(answer: Buffer, recorder: Partial<Recorder>): Promise<string> {
  upstream = await startUpstream((_, connection) => connection.write(answer))
  rig = await openRig(upstream.url, { store: { ...store, recorder: { ...store.recorder, ...recorder } } })
  return `${rig.proxy.url}/s/a/v1/messages`
}

describe.each(Object.entries(answers))('%s', (title, answer) => {
  it('is not whole for the agent before it is committed', async () => {
    let committedAt = Number.POSITIVE_INFINITY
    const slowly =
      (commit: Recorder['end']): Recorder['end'] =>
      async (id, end) => {
        await new Promise(resolve => setTimeout(resolve, 150))
        await commit(id, end)
        committedAt = performance.now()
      }
    const url = await open(answer, { end: slowly(store.recorder.end), checkpoint: slowly(store.recorder.checkpoint) })
    let text = ''
    let sawTerminalAt = 0
    const answered = ask(url, {
      body: '{}',
      onData: (bytes, request) => {
        text += bytes.toString()
        if (!text.includes('"message_stop"}\n\n')) return
        sawTerminalAt = performance.now()
        if (title.includes('lingers')) request.destroy()
      },
    })
    await answered.catch(() => null)
    expect(performance.now()).toBeGreaterThanOrEqual(committedAt)
    if (title.includes('stream')) expect(sawTerminalAt).toBeGreaterThanOrEqual(committedAt)
  })

  it('is broken off for the agent when it cannot be committed', async () => {
    const fail = () => Promise.reject(new TurnpikeError('E_RECORD_FAILED', 'the disk is full'))
    const url = await open(answer, { end: fail, checkpoint: fail })
    const answered = await ask(url, { body: '{}' }).catch(() => null)
    // Either no head ever came, or the connection broke before the end.
    expect(answered === null || answered.broken).toBe(true)
    expect(answered?.body.toString() ?? '').not.toContain('"message_stop"}')
  })
})

describe.each(others)('a stream of $path', ({ path, type, passes, waits, mark }) => {
  it('passes its first event at once and its terminal event after the commit', async () => {
    let committedAt = Number.POSITIVE_INFINITY
    let passed = (): void => undefined
    const hasPassed = new Promise<void>(resolve => {
      passed = resolve
    })
    // Nothing is committed before the agent has seen the first event: if that waited for the commit, both would wait for ever.
    const slowly =
      (commit: Recorder['checkpoint']): Recorder['checkpoint'] =>
      async (id, ending) => {
        await hasPassed
        await new Promise(resolve => setTimeout(resolve, 150))
        await commit(id, ending)
        committedAt = performance.now()
      }
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
    upstream = await startUpstream((_, connection) => {
      connection.write(Buffer.concat([Buffer.from(head), chunk(passes)]))
      setTimeout(() => connection.write(chunk(waits)), 50)
    })
    const recorder = { ...store.recorder, checkpoint: slowly(store.recorder.checkpoint), end: slowly(store.recorder.end) }
    rig = await openRig(upstream.url, { store: { ...store, recorder } })
    let seen = Buffer.alloc(0)
    let terminalAt = 0
    const answered = ask(`${rig.proxy.url}/s/a${path}`, {
      body: '{"contents":[],"messages":[]}',
      onData: (bytes, request) => {
        seen = Buffer.concat([seen, bytes])
        if (seen.length >= Buffer.from(passes).length) passed()
        if (!seen.includes(mark)) return
        terminalAt = performance.now()
        request.destroy()
      },
    })
    await answered.catch(() => null)
    expect(terminalAt).toBeGreaterThanOrEqual(committedAt)
    expect(seen).toEqual(Buffer.concat([Buffer.from(passes), Buffer.from(waits)]))
  })
})
