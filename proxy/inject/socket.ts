// Faults on purpose over WebSockets, as a layer around the linker: an error message in the provider's stead, a broken connection, and
// messages of an answer that come late, slowly or broken. Other messages of the socket keep their order behind them.

import { TurnpikeError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'
import type { Link, LinkEvents, LinkLayer, SocketMessage } from '../websocket/link.ts'
import { endsAnswer, findAsked, readAsked } from '../websocket/message.ts'
import type { Chooser, ChosenFault } from './choose.ts'
import { writeProviderError } from './provider-error.ts'
import { openTimeline, type Timeline } from './timeline.ts'
import { breakJson } from './units.ts'

interface OpenAnswer {
  readonly exchangeId: string
  readonly protocol: ProtocolAdapter
  readonly streamId: string | null
  readonly chosen: ChosenFault | null
  messagesPassed: number
  struck: boolean
}

interface Socket {
  readonly events: LinkEvents
  readonly timeline: Timeline
  readonly answers: OpenAnswer[]
  /** Exchange id -> what was done to it, until it is recorded. */
  readonly notes: Map<string, string>
  readonly terminate: () => void
}

export function createSocketInjector(choose: Chooser): LinkLayer {
  return next => ({
    open: (request, events) => {
      let link: Link | null = null
      const timeline = openTimeline(() => link)
      const socket: Socket = { events, timeline, answers: [], notes: new Map(), terminate: () => link?.terminate() }
      const opened = next.open(request, {
        ...events,
        onMessage: message => passMessage(socket, message),
        onClose: (code, reason) => timeline.last(() => events.onClose(code, reason)),
        onLost: error => timeline.last(() => events.onLost(error)),
      })
      link = opened
      return wrap(socket, opened, choose)
    },
  })
}

function wrap(socket: Socket, link: Link, choose: Chooser): Link {
  const { timeline, notes } = socket
  return {
    ...link,
    send: (message, exchange) => {
      const { protocol } = exchange
      const asked = readAsked(message, protocol)
      const chosen = protocol === null || !asked.wantsAnswer ? null : choose(exchange)
      if (protocol === null || !asked.wantsAnswer) return link.send(message, exchange)
      const { streamId } = asked
      const answer = { exchangeId: exchange.id, protocol, streamId, chosen, messagesPassed: 0, struck: false }
      if (chosen?.fault.kind === 'status') return answerWithError(socket, answer, chosen)
      if (chosen?.fault.kind === 'reset') return void setImmediate(() => breakOff(socket, answer, chosen))
      socket.answers.push(answer)
      link.send(message, exchange)
    },
    terminate: () => {
      timeline.close()
      link.terminate()
    },
    pause: timeline.pause,
    resume: timeline.resume,
    note: exchangeId => {
      const message = notes.get(exchangeId)
      notes.delete(exchangeId)
      return message === undefined ? (link.note?.(exchangeId) ?? null) : { code: 'E_INJECTED_FAULT', message }
    },
  }
}

function strike({ notes }: Socket, answer: OpenAnswer, chosen: ChosenFault): void {
  if (answer.struck) return
  answer.struck = true
  notes.set(answer.exchangeId, chosen.message)
  chosen.onStruck()
}

/** As the provider's socket sends it: an error event with the status that a plain answer would have. */
function answerWithError(socket: Socket, answer: OpenAnswer, chosen: ChosenFault): void {
  const { status, retryAfterS } = chosen.fault
  const event: JsonObject = {
    type: 'error',
    ...(answer.streamId === null ? {} : { stream_id: answer.streamId }),
    status,
    ...writeProviderError(answer.protocol, status),
    ...(retryAfterS === null ? {} : { headers: { 'retry-after': String(retryAfterS) } }),
  }
  strike(socket, answer, chosen)
  const message = { payload: Buffer.from(JSON.stringify(event)), binary: false }
  // Later, as from a network: the exchange is open by then.
  setImmediate(() => socket.timeline.add(() => socket.events.onMessage(message), message.payload.length))
}

function breakOff(socket: Socket, answer: OpenAnswer, chosen: ChosenFault): void {
  strike(socket, answer, chosen)
  socket.terminate()
  socket.timeline.last(() => socket.events.onLost(new TurnpikeError('E_INJECTED_FAULT', chosen.message)))
}

function passMessage(socket: Socket, message: SocketMessage): void {
  const answer = findAsked(socket.answers, message)
  const pass = (passed: SocketMessage): void => socket.timeline.add(() => socket.events.onMessage(passed), passed.payload.length)
  if (answer === null) return pass(message)
  if (endsAnswer(message, answer.protocol)) socket.answers.splice(socket.answers.indexOf(answer), 1)
  const { chosen } = answer
  if (chosen === null) return pass(message)
  const { kind, afterEvents, ms } = chosen.fault
  const due = answer.messagesPassed === afterEvents && !answer.struck
  answer.messagesPassed += 1
  if (kind === 'cut' && due) return breakOff(socket, answer, chosen)
  if (kind === 'drip' || due) strike(socket, answer, chosen)
  if (kind === 'drip' || (kind === 'stall' && due)) socket.timeline.delay(ms)
  pass(kind === 'malformed' && due ? { ...message, payload: breakJson(message.payload) } : message)
}
