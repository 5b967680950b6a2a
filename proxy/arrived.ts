// A request that has arrived whole: the data every step of the gate works on.

import type http from 'node:http'
import type { EpochMs, HeaderList } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import type { Addressed } from './attribute.ts'

export interface Arrived {
  readonly id: string
  readonly startedAt: EpochMs
  readonly request: http.IncomingMessage
  readonly response: http.ServerResponse
  readonly headers: HeaderList
  readonly addressed: Addressed
  readonly protocol: ProtocolAdapter | null
  readonly body: Uint8Array
}
