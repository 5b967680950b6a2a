// Faults on purpose, as a layer around the forwarder: answers in the provider's stead or spoils its answer, and notes in the record what
// was done. Statuses and resets never reach the provider. Touches nothing but model calls.

import { STATUS_CODES } from 'node:http'
import { TurnpikeError } from '../../core/errors.ts'
import type { ForwardEvents, ForwardedExchange, Forwarding, ForwardLayer } from '../forward.ts'
import type { Chooser } from './choose.ts'
import { writeErrorHeaders, writeProviderError } from './provider-error.ts'
import type { Fault } from './spec.ts'
import { spoilAnswer } from './spoil.ts'

export function createInjector(choose: Chooser): ForwardLayer {
  return next => ({
    close: next.close,
    forward: (request, events) => {
      const chosen = choose(request.exchange)
      if (chosen === null) return next.forward(request, events)
      const { fault, message, onStruck } = chosen
      if (fault.kind !== 'status' && fault.kind !== 'reset') return spoilAnswer(next, request, events, chosen)
      onStruck()
      return answerInstead(message, () =>
        fault.kind === 'status'
          ? failWithStatus(request.exchange, fault, events)
          : events.onFailure({ stage: 'before-head', error: new TurnpikeError('E_INJECTED_FAULT', message) }),
      )
    },
  })
}

/** Later, as from a network: whoever forwards first gets what controls the answer, then the answer. */
function answerInstead(message: string, answer: () => void): Forwarding {
  const soon = setImmediate(answer)
  return {
    pause: () => undefined,
    resume: () => undefined,
    abort: () => clearImmediate(soon),
    retries: () => 0,
    note: () => ({ code: 'E_INJECTED_FAULT', message }),
  }
}

function failWithStatus({ id, protocol }: ForwardedExchange, { status, retryAfterS }: Fault, events: ForwardEvents): void {
  if (protocol === null) return
  const body = Buffer.from(JSON.stringify(writeProviderError(protocol, status)))
  const headers = writeErrorHeaders(protocol, { requestId: `req_${id.toLowerCase()}`, bodyBytes: body.length, retryAfterS })
  events.onHead({ status, statusText: STATUS_CODES[status] ?? '', headers })
  events.onData(body)
  events.onEnd([])
}
