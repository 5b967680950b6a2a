// The forms a reply can have, by name. Below the loop of `terminus`, above the parsers.

import { parseJsonReply } from './parser-json.ts'
import { parseXmlReply } from './parser-xml.ts'
import { type Reply, refuse } from './reply.ts'

export const parsers = ['json', 'xml'] as const
export type Parser = (typeof parsers)[number]

/** Never throws. `cut`: the model ran into its output limit; only the XML form can tell which of its commands are whole. */
export function parseReply(parser: Parser, text: string, cut: boolean): Reply {
  if (parser === 'xml') return parseXmlReply(text)
  return cut ? refuse(['the reply was cut off at the output limit'], []) : parseJsonReply(text)
}
