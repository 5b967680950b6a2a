// What of a call's context the request does not show: history kept by the server, prompts named instead of sent, and what the server
// took out before the model read it. Pure; policies that claim to give what the model saw break there.

import type { Answer, Conversation } from '../core/types.ts'
import { isList, objectOf } from '../protocols/_json.ts'

export interface Visibility {
  /** The provider edited the context of this very call: the model saw less than the request. */
  readonly edited: boolean
  /** Names what the request only points at, so that two calls can be compared; null = nothing. Not `previous_response_id`: that is a link. */
  readonly unseen: string | null
}

/** Fields that point at context stored with the provider: OpenAI Responses (`conversation`, `prompt`), Gemini (`cachedContent`). */
const pointers = ['conversation', 'prompt', 'cachedContent', 'cached_content']

export function readVisibility(conversation: Conversation, answer: Answer | null): Visibility {
  const named = pointers.flatMap(name => {
    const value = conversation.extra[name]
    return value === undefined || value === null || value === '' ? [] : [`${name} ${JSON.stringify(value)}`]
  })
  const applied = objectOf(objectOf(answer?.extra)['context_management'])['applied_edits']
  return { edited: isList(applied) && applied.length > 0, unseen: named.length === 0 ? null : named.join('\n') }
}
