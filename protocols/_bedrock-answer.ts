// Whole answers of Bedrock Converse, wire to canonical and back. They name neither an id nor a model: those stand in a header and in the
// request's address. Pure and total.

import type { Answer, Block, Json, JsonObject } from '../core/types.ts'
import { readBlock, writeBlocks } from './_bedrock-blocks.ts'
import { readBedrockError, typeOfStatus } from './_bedrock-errors.ts'
import { readUsage, writeUsage } from './_bedrock-usage.ts'
import { readOther } from './_errors.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { writeStopReason } from './_stop-reasons.ts'
import { unreadKey } from './_unread.ts'

const protocol = 'bedrock-converse'

export function readResponse(body: Json): Answer {
  const message = objectOf(objectOf(objectOf(body)['output'])['message'])
  const { content } = message
  if (!isObject(body) || !isList(content))
    return readOther(body, { protocol, usage: readUsage(body), error: isObject(body) ? readBedrockError(body) : null })
  return readMessageBody(
    body,
    content.map(raw => readBlock(raw)),
  )
}

/** An answer object whose content has been read already. Fields of an unexpected type stay in `extra`. */
export function readMessageBody(body: JsonObject, blocks: readonly Block[]): Answer {
  const output = objectOf(body['output'])
  const message = objectOf(output['message'])
  const { stopReason, usage } = body
  const beside = without(output, ['message'])
  return {
    id: null,
    model: null,
    message: {
      role: 'assistant',
      blocks,
      ...notes(without(message, ['content', ...(message['role'] === 'assistant' ? ['role'] : [])]), {
        ...(message['role'] === 'assistant' ? {} : { role: 'other' }),
      }),
    },
    stopReason: textOf(stopReason),
    usage: readUsage(body),
    complete: true,
    error: null,
    ...notes(
      {
        ...without(body, [
          'output',
          ...(typeof stopReason === 'string' ? ['stopReason'] : []),
          ...(isObject(usage) ? ['usage'] : []),
        ]),
        ...(Object.keys(beside).length === 0 ? {} : { output: beside }),
      },
      { protocol },
    ),
  }
}

export function writeResponse(answer: Answer): JsonObject {
  const own = isOwn(answer.wire, protocol)
  const [only] = answer.message.blocks
  if (only?.kind === 'opaque' && only.type === 'body') return objectOf(only.raw)
  const extra = own ? without(objectOf(answer.extra), [unreadKey]) : {}
  if (answer.error !== null && answer.message.blocks.length === 0)
    return own && answer.wire !== undefined ? extra : { __type: typeOfError(answer.error.type), message: answer.error.message }
  const { message } = answer
  const content = writeBlocks(message.blocks, own ? 'own' : 'foreign-answer')
  const role: JsonObject = own && message.wire?.['role'] === 'other' ? {} : { role: 'assistant' }
  return {
    ...extra,
    output: { message: { ...role, content, ...(own ? message.extra : {}) }, ...objectOf(extra['output']) },
    ...defined({ stopReason: writeStopReason(answer, 'bedrock', own) ?? undefined, usage: writeUsage(answer) }),
  }
}

function typeOfError(type: string): string {
  return /Exception$/.test(type) ? type : typeOfStatus(500)
}
