// Token ids and log probabilities of one call, as the server gave them in its answer: vLLM (`return_token_ids`,
// `return_tokens_as_token_ids`) and SGLang (`return_token_ids`, `return_meta_info`, `sglext`), whole and streamed. Pure.
// Nothing is ever tokenised here, and ids that do not add up to what the server counted are not given out.

import type { Answer, Json, JsonObject } from '../core/types.ts'
import { isList, isObject, objectOf, textOf } from '../protocols/_json.ts'

export interface AnswerTokens {
  /** The whole prompt as the model read it. */
  readonly prompt: readonly number[]
  readonly answer: readonly number[]
  /** One per id of the answer; null = not given, or not for every id. */
  readonly logprobs: ReadonlyArray<number | null> | null
}

/** Null: the answer holds no ids, or only some. */
export function readTokens(answer: Answer): AnswerTokens | null {
  const body = objectOf(answer.extra)
  const choice = objectOf(body['choice'])
  const meta = objectOf(choice['meta_info'])
  const extension = objectOf(body['sglext'])
  const prompt =
    readIds(body['prompt_token_ids']) ??
    readIds(choice['prompt_token_ids']) ??
    readIds(meta['input_token_ids']) ??
    readIds(extension['input_ids'])
  const outputs = extension['output_ids']
  const ids =
    readIds(choice['token_ids']) ??
    readPairs(meta, 1, isId) ??
    readIds(isList(outputs) ? outputs[0] : undefined) ??
    readNamedIds(choice)
  if (prompt === null || prompt.length === 0 || ids === null || !addsUp(answer, ids)) return null
  const logprobs = readPairs(meta, 0, isLogprob) ?? readLogprobs(choice)
  return { prompt, answer: ids, logprobs: logprobs?.length === ids.length ? logprobs : null }
}

/** Servers that leave out the ids of pieces they hold back (a tool call being parsed) would give an answer that was never sampled. */
function addsUp({ usage, extra, complete }: Answer, ids: readonly number[]): boolean {
  const hasOthers = isList(objectOf(extra)['choices'])
  if (usage === null || usage.output === null || usage.source !== 'wire' || hasOthers || !complete) return ids.length > 0
  return ids.length === usage.output
}

function isId(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31
}

function isLogprob(value: Json | undefined): value is number | null {
  return value === null || typeof value === 'number'
}

function readIds(value: Json | undefined): readonly number[] | null {
  return isList(value) && value.every(isId) ? value : null
}

/** SGLang: a list of [log probability, id, text]. */
function readPairs<T extends Json>(meta: JsonObject, at: number, isOne: (value: Json | undefined) => value is T): T[] | null {
  const pairs = meta['output_token_logprobs']
  if (!isList(pairs)) return null
  const read = pairs.map(pair => (isList(pair) ? pair[at] : undefined))
  return read.every(isOne) ? read : null
}

function readContent(choice: JsonObject): readonly JsonObject[] | null {
  const content = objectOf(choice['logprobs'])['content']
  return isList(content) && content.every(isObject) ? content : null
}

function readLogprobs(choice: JsonObject): Array<number | null> | null {
  const values = readContent(choice)?.map(entry => entry['logprob'])
  return values?.every(isLogprob) === true ? values : null
}

/** vLLM: each token of the log probabilities is spelled `token_id:<id>`. */
function readNamedIds(choice: JsonObject): number[] | null {
  const ids = readContent(choice)?.map(entry => /^token_id:(\d+)$/.exec(textOf(entry['token']) ?? '')?.[1])
  if (ids === undefined || ids.length === 0 || !ids.every(id => id !== undefined)) return null
  const read = ids.map(Number)
  return read.every(isId) ? read : null
}
