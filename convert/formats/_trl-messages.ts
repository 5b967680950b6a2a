// Messages as Hugging Face chat templates take them: content is text, thinking a key of its own, `train` says what was generated here. Shared
// by trl and trl-prompt. Every key has one type in all rows; what varies is JSON text.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import type { TrajectoryStep } from '../trajectory.ts'
import { type ChatSpelling, nameLeft, type Spelled } from './_chat-rows.ts'
import { isTrained } from './_row-meta.ts'

/** As between blocks of other protocols when a proxied request is translated to chat messages. */
const separators = { system: '\n\n', user: '\n\n', tool: '\n' } as const

export const trlSpelling: ChatSpelling = {
  namesTools: true,
  content: (role, blocks) => spellContent(blocks, separators[role]),
  answer: spellAnswer,
}

export const trlLoses =
  'where texts of one message begin, the order of thinking, text and calls in an answer, signatures of thinking; images and documents leave a word in brackets and stand in the column turnpike only'

function spellContent(blocks: readonly Block[], separator: string): Spelled<Json> {
  const left = blocks.flatMap((block, at) => (block.kind === 'text' ? [] : [{ at, block }]))
  return { value: blocks.map(block => (block.kind === 'text' ? block.text : nameLeft(block))).join(separator), left }
}

/** No placeholders here: a model is trained only on words it has said. */
function spellAnswer({ message: { blocks }, generation }: TrajectoryStep): Spelled<JsonObject> {
  const texts = blocks.flatMap(block => (block.kind === 'text' || block.kind === 'refusal' ? [block.text] : []))
  const thinking = blocks.flatMap(block => (block.kind === 'thinking' && block.text !== '' ? [block.text] : []))
  const calls = blocks.filter(block => block.kind === 'tool-call')
  const left = blocks.flatMap((block, at) => {
    const isHidden = block.kind === 'thinking' && block.text === '' && block.redacted !== undefined
    const isForeign = block.kind === 'image' || block.kind === 'opaque' || block.kind === 'tool-result'
    return isHidden || isForeign ? [{ at, block }] : []
  })
  return {
    value: {
      role: 'assistant',
      content: texts.join(''),
      ...(thinking.length === 0 ? {} : { reasoning_content: thinking.join('\n') }),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(writeCall) }),
      train: isTrained(generation),
    },
    left,
  }
}

/** Arguments stay the text the model wrote: as objects they would get the keys of every other call of the column, each null. */
function writeCall({ id, name, inputText }: Extract<Block, { kind: 'tool-call' }>): JsonObject {
  return { id, type: 'function', function: { name, arguments: inputText } }
}
