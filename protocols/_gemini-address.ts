// Where Gemini is asked: the model and the wish to stream stand in the path, the framing in `alt=sse`. The Gemini API, Vertex AI and the
// Code Assist endpoint of Gemini CLI's login (`/v1internal:…`, whose body wraps the request) differ in their paths alone. Pure.

import type { Conversation } from '../core/types.ts'
import type { ProtocolRoute, RequestAddress } from './_adapter.ts'
import { objectOf } from './_json.ts'
import { readModelPath } from './_model-path.ts'
import { isOwn } from './_settings.ts'

const holder = '(?:models|tunedModels|endpoints)\\/[^/]+'

export const routes: readonly ProtocolRoute[] = [
  { method: 'POST', path: new RegExp(`(?:^|\\/)${holder}:(?:g|streamG)enerateContent\\/?$`), purpose: 'generate' },
  { method: 'POST', path: /(?:^|\/)v1internal:(?:g|streamG)enerateContent\/?$/, purpose: 'generate' },
  { method: 'POST', path: new RegExp(`(?:^|\\/)(?:${holder}|v1internal):countTokens\\/?$`), purpose: 'count-tokens' },
  { method: 'GET', path: /(?:^|\/)v1beta\/models(?:\/[^/:]+)?\/?$/, purpose: 'list-models' },
]

export function isStreamAddress(address: RequestAddress | undefined): boolean {
  return address !== undefined && /:streamGenerateContent\/?$/.test(address.path)
}

export function modelOf(address: RequestAddress | undefined): string | null {
  return address === undefined ? null : (readModelPath(address.path)?.model ?? null)
}

export function addressOf(conversation: Conversation): RequestAddress {
  const verb = conversation.stream ? 'streamGenerateContent' : 'generateContent'
  const wrapped = isOwn(conversation.wire, 'gemini') && 'envelope' in objectOf(conversation.wire)
  const model = encodeURIComponent(conversation.model ?? 'unknown').replaceAll('%40', '@')
  return {
    path: wrapped ? `/v1internal:${verb}` : `/v1beta/models/${model}:${verb}`,
    query: conversation.stream ? 'alt=sse' : '',
  }
}
