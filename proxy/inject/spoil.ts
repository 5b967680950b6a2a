// Spoils an answer on its way: cut, stall, malformed, drip. Events are counted in streams; a plain document is collected, so that it can be
// cut in the middle. A fault that finds no place (the stream ended before) does not happen, and is not said to have.

import { TurnpikeError } from '../../core/errors.ts'
import type { HeaderList } from '../../core/types.ts'
import type { ForwardEvents, Forwarder, Forwarding, ForwardRequest, UpstreamHead } from '../forward.ts'
import type { ChosenFault } from './choose.ts'
import { type Outlet, openOutlet } from './outlet.ts'
import { breakJson, openUnits, tellingBytes, type Unit, type UnitSplitter } from './units.ts'

/** A larger document passes as it is. */
const documentBytesMax = 32 * 1024 * 1024
const dripParts = 10

interface State {
  readonly spoiling: ChosenFault
  readonly outlet: Outlet
  head: UpstreamHead | null
  units: UnitSplitter | null
  /** What is not known to be a stream is collected here; null once it is handed on. */
  collected: Buffer[] | null
  collectedBytes: number
  eventsPassed: number
  struck: boolean
}

export function spoilAnswer(next: Forwarder, request: ForwardRequest, events: ForwardEvents, spoiling: ChosenFault): Forwarding {
  let upstream: Forwarding | null = null
  const outlet = openOutlet(events, () => upstream)
  const state: State = {
    spoiling,
    outlet,
    head: null,
    units: null,
    collected: [],
    collectedBytes: 0,
    eventsPassed: 0,
    struck: false,
  }
  const cut = (): void => {
    upstream?.abort()
    outlet.fail({ stage: 'mid-answer', error: new TurnpikeError('E_INJECTED_FAULT', spoiling.message) })
  }
  const spoiled: ForwardEvents = {
    onHead: head => readHead(state, head, cut),
    onData: bytes => readData(state, bytes, cut),
    onEnd: trailers => readEnd(state, trailers, cut),
    onFailure: failure => {
      flush(state)
      outlet.fail(failure)
    },
  }
  upstream = next.forward({ ...request, headers: askPlain(request.headers) }, spoiled)
  const inner = upstream
  return {
    pause: outlet.pause,
    resume: outlet.resume,
    abort: () => {
      outlet.close()
      inner.abort()
    },
    retries: inner.retries,
    note: () => (state.struck ? { code: 'E_INJECTED_FAULT', message: spoiling.message } : (inner.note?.() ?? null)),
  }
}

/** Events can only be counted in plain bytes. */
function askPlain(headers: HeaderList): HeaderList {
  return [...headers.filter(([name]) => name.toLowerCase() !== 'accept-encoding'), ['Accept-Encoding', 'identity']]
}

function strike(state: State): void {
  if (state.struck) return
  state.struck = true
  state.spoiling.onStruck()
}

function readHead(state: State, head: UpstreamHead, cut: () => void): void {
  state.head = head
  if (/event-?stream/i.test(head.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''))
    startStream(state, Buffer.alloc(0), cut)
}

function startStream(state: State, first: Buffer, cut: () => void): boolean {
  const { head, outlet, spoiling } = state
  state.units = head === null ? null : openUnits(head.headers, first)
  if (head === null || state.units === null) return false
  state.collected = null
  const { kind, afterEvents, ms } = spoiling.fault
  if (afterEvents === 0 && kind === 'stall') {
    strike(state)
    outlet.delay(ms)
  }
  // Broken events change the length; streams that announce one are rare.
  outlet.head(kind === 'malformed' ? withoutLength(head) : head)
  if (afterEvents === 0 && kind === 'cut') {
    strike(state)
    cut()
  }
  return true
}

function readData(state: State, bytes: Buffer, cut: () => void): void {
  if (state.units !== null) return passUnits(state, state.units, bytes, cut)
  if (state.collected === null) return state.outlet.data(bytes)
  state.collected.push(bytes)
  state.collectedBytes += bytes.length
  if (state.collectedBytes >= tellingBytes && state.collectedBytes - bytes.length < tellingBytes) tell(state, cut)
  else if (state.collectedBytes > documentBytesMax) flush(state)
}

/** Enough has come to know whether this is a stream. */
function tell(state: State, cut: () => void): void {
  const first = Buffer.concat(state.collected ?? [])
  if (startStream(state, first, cut) && state.units !== null) passUnits(state, state.units, first, cut)
}

function passUnits(state: State, units: UnitSplitter, bytes: Buffer, cut: () => void): void {
  for (const unit of units.push(bytes)) passUnit(state, units, unit, cut)
}

function passUnit(state: State, units: UnitSplitter, unit: Unit, cut: () => void): void {
  const { outlet, spoiling } = state
  const { kind, afterEvents, ms } = spoiling.fault
  if (!unit.isEvent) return outlet.data(unit.bytes)
  if (kind === 'drip') {
    strike(state)
    outlet.delay(ms)
  }
  const breaks = kind === 'malformed' && state.eventsPassed === afterEvents
  if (breaks) strike(state)
  outlet.data(breaks ? units.broken(unit) : unit.bytes)
  state.eventsPassed += 1
  if (state.eventsPassed !== afterEvents || state.struck) return
  if (kind === 'stall') {
    strike(state)
    outlet.delay(ms)
  } else if (kind === 'cut') {
    strike(state)
    cut()
  }
}

function readEnd(state: State, trailers: HeaderList, cut: () => void): void {
  if (state.units === null && state.collected !== null && state.collectedBytes < tellingBytes) tell(state, cut)
  const { outlet } = state
  if (state.units !== null) {
    const rest = state.units.rest()
    if (rest.length > 0) outlet.data(rest)
  } else if (state.collected !== null && state.head !== null) passDocument(state, state.head, cut)
  outlet.end(trailers)
}

function passDocument(state: State, head: UpstreamHead, cut: () => void): void {
  const { outlet, spoiling } = state
  const { kind, afterEvents, ms } = spoiling.fault
  const whole = Buffer.concat(state.collected ?? [])
  state.collected = null
  if (whole.length === 0) return outlet.head(head)
  strike(state)
  const middle = afterEvents === 0 ? 0 : Math.ceil(whole.length / 2)
  if (kind === 'malformed') {
    const broken = breakJson(whole)
    outlet.head(withLength(head, broken.length))
    return outlet.data(broken)
  }
  if (kind === 'stall' && middle === 0) outlet.delay(ms)
  outlet.head(head)
  if (kind === 'drip') return dripDocument(outlet, whole, ms)
  if (middle > 0) outlet.data(whole.subarray(0, middle))
  if (kind === 'cut') return cut()
  if (middle > 0) outlet.delay(ms)
  outlet.data(whole.subarray(middle))
}

function dripDocument(outlet: Outlet, whole: Buffer, ms: number): void {
  const partBytes = Math.ceil(whole.length / dripParts)
  for (let at = 0; at < whole.length; at += partBytes) {
    outlet.delay(ms)
    outlet.data(whole.subarray(at, at + partBytes))
  }
}

/** Hands on what was collected, as it is. */
function flush(state: State): void {
  const { collected, head, outlet } = state
  state.collected = null
  const rest = state.units?.rest() ?? Buffer.alloc(0)
  if (rest.length > 0) outlet.data(rest)
  if (collected === null) return
  if (head !== null) outlet.head(head)
  for (const bytes of collected) outlet.data(bytes)
}

function withoutLength(head: UpstreamHead): UpstreamHead {
  return { ...head, headers: head.headers.filter(([name]) => name.toLowerCase() !== 'content-length') }
}

function withLength(head: UpstreamHead, bytes: number): UpstreamHead {
  const headers = head.headers.map(([name, value]): readonly [string, string] =>
    name.toLowerCase() === 'content-length' ? [name, String(bytes)] : [name, value],
  )
  return { ...head, headers }
}
