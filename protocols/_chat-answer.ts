// Whole answers and error bodies of OpenAI Chat Completions, wire to canonical and back. The first choice is the message; further
// choices (n > 1) stay in `extra.choices` as they came, and what the first choice says beside its message in `extra.choice`. Pure and total.

import type { Answer, Json, JsonObject } from '../core/types.ts'
import { writeForeignAssistant } from './_chat-foreign.ts'
import { readAssistant, writeAssistant } from './_chat-messages.ts'
import { readUsage, writeUsage } from './_chat-usage.ts'
import { readError, readOther } from './_errors.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { writeForeignError } from './_openai-errors.ts'
import { isOwn } from './_settings.ts'
import { writeStopReason } from './_stop-reasons.ts'
import { unreadKey } from './_unread.ts'

const protocol = 'openai-chat'

export function readResponse(body: Json): Answer {
  const fields = objectOf(body)
  const choices = isList(fields['choices']) ? fields['choices'] : []
  const first = choices.find(choice => objectOf(choice)['index'] === 0) ?? choices[0]
  return isObject(first) && isObject(first['message'])
    ? readChoice(fields, choices, first)
    : readOther(body, { protocol, usage: readUsage(body), error: isObject(body) ? readError(body) : null, read: ['usage'] })
}

function readChoice(body: JsonObject, choices: readonly Json[], first: JsonObject): Answer {
  const { id, model, object } = body
  const finish = first['finish_reason']
  const others = choices.filter(choice => choice !== first)
  const beside = without(first, ['index', 'message', ...(typeof finish === 'string' || finish === null ? ['finish_reason'] : [])])
  const odd = defined({
    id: typeof id === 'string' ? undefined : id,
    model: typeof model === 'string' ? undefined : model,
    object: object === 'chat.completion' ? undefined : object,
    usage: isObject(body['usage']) ? undefined : body['usage'],
    choice: Object.keys(beside).length === 0 ? undefined : beside,
    choices: others.length === 0 ? undefined : others,
  })
  return {
    id: textOf(id),
    model: textOf(model),
    message: readAssistant(objectOf(first['message'])),
    stopReason: textOf(finish),
    usage: readUsage(body),
    complete: true,
    error: readError(body),
    ...notes({ ...without(body, ['id', 'model', 'object', 'choices', 'usage']), ...odd }, { protocol }),
  }
}

export function writeResponse(answer: Answer): JsonObject {
  const own = isOwn(answer.wire, protocol)
  const [only] = answer.message.blocks
  if (answer.error !== null && answer.message.blocks.length === 0) return writeErrorAnswer(answer, own)
  if (only?.kind === 'opaque' && only.type === 'body') return objectOf(only.raw)
  const { fields, choice, choices } = splitExtra(answer, own)
  const message = own
    ? writeAssistant(answer.message)
    : (writeForeignAssistant(answer.message)[0] ?? { role: 'assistant', content: '' })
  const first = { index: 0, message, finish_reason: writeStopReason(answer, 'chat', own), ...choice }
  return {
    ...headOf(answer, own, 'chat.completion'),
    choices: [first, ...choices],
    ...defined({ usage: writeUsage(answer) }),
    ...fields,
  }
}

/** What every chunk of a stream repeats. Clients expect a time; ours is 0, because this code has no clock. */
export function headOf(answer: Answer, own: boolean, object: string): JsonObject {
  const read = own && answer.wire !== undefined
  return defined({
    id: answer.id ?? (read ? undefined : 'chatcmpl-turnpike'),
    object,
    created: read ? undefined : 0,
    model: answer.model ?? (read ? undefined : 'unknown'),
  })
}

/** `extra` taken apart again: fields of the body, of the first choice, and further choices. */
export function splitExtra(answer: Answer, own: boolean): { fields: JsonObject; choice: JsonObject; choices: readonly Json[] } {
  const extra = own ? objectOf(answer.extra) : {}
  const choices = extra['choices']
  return {
    fields: without(extra, ['choice', 'choices', unreadKey]),
    choice: objectOf(extra['choice']),
    choices: isList(choices) ? choices : [],
  }
}

function writeErrorAnswer(answer: Answer, own: boolean): JsonObject {
  if (own && answer.wire !== undefined) return without(objectOf(answer.extra), [unreadKey])
  return writeForeignError(answer.error)
}
