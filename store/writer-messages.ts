// What the calling thread and the writer thread say to each other. Everything survives JSON; bytes of one tick travel in one
// transferred buffer and messages name their part of it.

import type { ErrorCode } from '../core/errors.ts'
import type { HeaderList } from '../core/types.ts'
import type { ExchangeBegin, ExchangeEnd, Nouns, OpenOptions } from './_adapter.ts'
import type { SqlValue } from './nouns.ts'

/** Bytes in the tick's buffer. */
export type Span = readonly [start: number, length: number]

/** What is known of a response once its head is there. */
export interface HeadFields {
  readonly status: number | null
  readonly headers: HeaderList | null
  readonly providerRequestId: string | null
  readonly firstByteAt: number | null
}

/** Response bytes that arrived since the last message, and alternately when (ms) and how many. */
export interface Arrived {
  readonly bytes: Span
  readonly arrivals: readonly number[]
}

export type BeginMessage = {
  readonly kind: 'begin'
  readonly ticket: number
  readonly headers: HeaderList
  readonly body: Span
} & Omit<ExchangeBegin, 'requestHeaders' | 'requestBody'>

interface Ending {
  readonly ticket: number
  readonly id: string
  readonly arrived: Arrived
  readonly head: HeadFields
  readonly outcome: ExchangeEnd['outcome']
  readonly failure: ExchangeEnd['failure']
  readonly retries: number
  readonly endedAt: number
}

/** Two members rather than one with two kinds: the compiler tells them apart only so. */
export type EndMessage = ({ readonly kind: 'end' } & Ending) | ({ readonly kind: 'checkpoint' } & Ending)

/** Background save of a running answer. */
export interface BytesMessage {
  readonly kind: 'bytes'
  readonly id: string
  readonly arrived: Arrived
  readonly head: HeadFields | null
}

export type WriterMessage =
  | BeginMessage
  | EndMessage
  | BytesMessage
  | { readonly kind: 'put'; readonly ticket: number; readonly noun: keyof Nouns; readonly rows: readonly SqlValue[][] }
  | { readonly kind: 'mint'; readonly ticket: number; readonly hash: string; readonly trialId: string }
  | { readonly kind: 'revoke'; readonly ticket: number; readonly trialId: string }
  | { readonly kind: 'close'; readonly ticket: number }

export interface Tick {
  readonly bytes: ArrayBuffer
  /** WriterMessage[] as JSON: several times cheaper to write, pass and read than a tree of objects is to clone. */
  readonly messages: string
}

/** An error that can cross threads; the calling thread makes a TurnpikeError of it again. */
export interface FailureText {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly cause: { readonly message: string; readonly code: string } | null
}

export type WriterReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly failure: FailureText }
  | {
      readonly kind: 'done'
      readonly tickets: readonly number[]
      readonly failed: ReadonlyArray<readonly [ticket: number, failure: FailureText]>
      /** Of the ticks that are done with, to be filled again. */
      readonly buffers: readonly ArrayBuffer[]
    }

export interface WriterOptions {
  readonly directory: string
  readonly durability: NonNullable<OpenOptions['durability']>
}
