import * as zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeExchanges, decoderVersion, readCall } from '../../convert/decode.ts'
import anthropicMessages from '../../protocols/anthropic-messages.ts'
import type { Store } from '../../store/_adapter.ts'
import { describeBegin, describeEnd } from '../store/_conversation.ts'
import { assistant, conversation, record, type ScriptedCall, text, toolCall, user } from './script.ts'
import { withStore } from './temporary-store.ts'

const scope = { kind: 'session', id: 's' } as const
const call: ScriptedCall = { id: 'x1', at: 1000, messages: [user('hello')], answer: assistant(text('Hi.'), toolCall('t1', 'ls')) }

async function recordBytes(
  store: Store,
  id: string,
  options: { request: Buffer; encoding?: string; response?: Buffer; status?: number | null; protocol?: string | null },
): Promise<void> {
  const requestHeaders = options.encoding === undefined ? [] : [['Content-Encoding', options.encoding] as const]
  const { protocol = 'anthropic-messages' } = options
  await store.recorder.begin(describeBegin(options.request, { id, scope, protocol, requestHeaders, startedAt: 1000 }))
  if (options.response !== undefined) store.recorder.append(id, options.response, 1001)
  await store.recorder.end(
    id,
    describeEnd({
      status: options.status === undefined ? 200 : options.status,
      responseHeaders: options.status === null ? null : [],
      outcome: options.status === null ? 'upstream-refused' : 'complete',
      failure: options.status === null ? { code: 'E_UPSTREAM_UNREACHABLE', message: 'no route' } : null,
      firstByteAt: null,
      endedAt: 1002,
    }),
  )
}

const requestBytes = () => Buffer.from(JSON.stringify(anthropicMessages.writeRequest(conversation(call))))

describe('decodeExchanges', () => {
  it('writes a row per call, once, with its price', () =>
    withStore(async store => {
      await record(store, call, scope)
      const price = () => ({ nanoUsd: 42, version: 'prices-test' })
      expect(await decodeExchanges(store, { scopeId: 's' }, { price })).toMatchObject({ decoded: 1, undecodable: 0 })
      const [row] = await store.list('calls', { scopeId: 's' })
      expect(row).toMatchObject({
        exchangeId: 'x1',
        turn: 1,
        protocol: 'anthropic-messages',
        modelAsked: 'model-a',
        modelAnswered: 'model-a-1',
        toolCalls: ['bash'],
        complete: true,
        error: null,
        costNanoUsd: 42,
        priceVersion: 'prices-test',
        decoder: decoderVersion,
      })
      expect(row?.usage).toMatchObject({ input: 100, output: 10 })
      expect(await decodeExchanges(store, { scopeId: 's' })).toMatchObject({ decoded: 0 })
      // Another price table: decoded again on demand, and the old price is gone.
      expect(await decodeExchanges(store, { scopeId: 's' }, { again: true })).toMatchObject({ decoded: 1 })
      expect((await store.list('calls', { scopeId: 's' }))[0]).toMatchObject({ costNanoUsd: null, priceVersion: null })
    }))

  it('hands the price what it needs', () =>
    withStore(async store => {
      await record(store, call, scope)
      const seen: unknown[] = []
      const price = (inputs: unknown) => {
        seen.push(inputs)
        return null
      }
      await decodeExchanges(store, {}, { price })
      expect(seen).toEqual([
        expect.objectContaining({ model: 'model-a-1', protocol: 'anthropic-messages', at: 1000, route: null }),
      ])
    }))

  it('keeps half a stream as a partial answer, not as an error', () =>
    withStore(async store => {
      await record(store, { ...call, complete: false }, scope)
      await decodeExchanges(store, {})
      const [row] = await store.list('calls')
      expect(row).toMatchObject({ complete: false, error: null, stopReason: null })
      expect(row?.usage?.source).toBe('wire-partial')
    }))

  it('keeps a provider error as an error', () =>
    withStore(async store => {
      await record(store, { ...call, answer: null }, scope)
      await decodeExchanges(store, {})
      expect((await store.list('calls'))[0]).toMatchObject({
        usage: null,
        toolCalls: [],
        error: { message: expect.stringContaining('busy') },
      })
    }))

  it('keeps a call that never reached the provider', () =>
    withStore(async store => {
      await recordBytes(store, 'x2', { request: requestBytes(), status: null })
      await decodeExchanges(store, {})
      expect((await store.list('calls'))[0]).toMatchObject({ usage: null, error: { type: 'E_UPSTREAM_UNREACHABLE' } })
    }))

  it('undoes content-encoding of the request', () =>
    withStore(async store => {
      const response = Buffer.from(
        JSON.stringify(
          anthropicMessages.writeResponse({
            id: 'm',
            model: 'm',
            message: assistant(text('ok')),
            stopReason: 'end_turn',
            usage: null,
            complete: true,
            error: null,
          }),
        ),
      )
      await recordBytes(store, 'x3', { request: zlib.gzipSync(requestBytes()), encoding: 'gzip', response })
      expect(await decodeExchanges(store, {})).toMatchObject({ decoded: 1 })
      expect((await readCall(store, 'x3')).conversation.messages).toHaveLength(1)
    }))

  it('reports what cannot be decoded with its reason, and goes on', () =>
    withStore(async store => {
      await recordBytes(store, 'x4', { request: Buffer.from('not json'), response: Buffer.from('{}') })
      await recordBytes(store, 'x5', { request: requestBytes(), encoding: 'rot13' })
      await recordBytes(store, 'x6', { request: requestBytes(), protocol: 'no-such-protocol' })
      await recordBytes(store, 'x7', { request: requestBytes(), protocol: null })
      await record(store, call, scope)
      const report = await decodeExchanges(store, {})
      expect(report).toMatchObject({ decoded: 1, undecodable: 3 })
      expect(report.reasons.map(({ exchangeId, reason }) => `${exchangeId} ${reason}`)).toEqual([
        'x4 the request is not JSON',
        'x5 request: content-encoding rot13 is not known',
        'x6 no decoder for protocol no-such-protocol',
      ])
    }))

  it('keeps an answer that is neither JSON nor a stream as an error', () =>
    withStore(async store => {
      await recordBytes(store, 'x8', { request: requestBytes(), response: Buffer.from('<html>Bad gateway</html>'), status: 502 })
      await decodeExchanges(store, {})
      expect((await store.list('calls'))[0]?.error).toEqual({ type: 'http-502', message: '<html>Bad gateway</html>' })
    }))
})

describe('readCall', () => {
  it('gives the whole conversation and answer', () =>
    withStore(async store => {
      await record(store, call, scope)
      const decoded = await readCall(store, 'x1')
      expect(decoded.conversation.messages[0]?.blocks).toMatchObject([text('hello')])
      expect(decoded.answer?.message.blocks).toMatchObject([text('Hi.'), { kind: 'tool-call', id: 't1' }])
    }))

  it('names the exchange that is not there, or cannot be decoded', () =>
    withStore(async store => {
      await expect(readCall(store, 'nope')).rejects.toMatchObject({ code: 'E_REF_UNKNOWN' })
      await recordBytes(store, 'x9', { request: requestBytes(), protocol: null })
      await expect(readCall(store, 'x9')).rejects.toMatchObject({ code: 'E_CONVERT_FAILED' })
    }))
})
