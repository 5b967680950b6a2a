// Amazon Bedrock as it is simulated: Converse, and InvokeModel with Anthropic's bodies. See dialect.ts for what each member means.

import type { Json, JsonObject } from '../../core/types.ts'
import { typeOfStatus } from '../../protocols/_bedrock-errors.ts'
import { type Dialect, madeAt } from './dialect.ts'
import { anthropicDialect } from './dialect-anthropic.ts'
import { estimateMarkedPrompt, estimateTokens, openPromptMemory } from './usage.ts'

const shared = {
  requestIdHeader: 'x-amzn-requestid',
  signsThinking: true,
  reportsCacheWrites: true,
  ping: null,
  streamsUsage: () => true,
  writeError: ({ status, message }) => ({ __type: typeOfStatus(status), message }),
  writeModel: id => ({
    modelId: id,
    modelName: `${id} (simulated)`,
    providerName: 'simulated',
    responseStreamingSupported: true,
  }),
  writeModels: ids => ({ modelSummaries: ids.map(id => ({ modelId: id, createdAt: madeAt })) }),
} satisfies Partial<Dialect>

export const bedrockConverseDialect: Dialect = {
  ...shared,
  protocol: 'bedrock-converse',
  answerIdPrefix: '',
  callIdPrefix: 'tooluse_',
  stopWords: {
    end_turn: 'end_turn',
    tool_use: 'tool_use',
    max_tokens: 'max_tokens',
    stop_sequence: 'stop_sequence',
    refusal: 'content_filtered',
  },
  needsMaxTokens: false,
  estimatePrompt: (body, memory, model) => estimateMarkedPrompt(asMarked(body, model), memory),
  writeCount: body => {
    const { converse } = objectOf(objectOf(body)['input'])
    if (converse === undefined) return { inputTokens: estimateTokens(Buffer.byteLength(JSON.stringify(body))) }
    const { input, cachedWrite5m, cachedWrite1h } = estimateMarkedPrompt(asMarked(objectOf(converse), ''), openPromptMemory())
    return { inputTokens: input + cachedWrite5m + cachedWrite1h }
  },
}

export const bedrockInvokeDialect: Dialect = {
  ...anthropicDialect,
  ...shared,
  protocol: 'bedrock-invoke',
  answerIdPrefix: 'msg_bdrk_simulated_',
  estimatePrompt: (body, memory, model) => estimateMarkedPrompt({ ...body, model }, memory),
}

/** The request with its cache points as marks on the element before each, which is how prompts are estimated. */
function asMarked(body: JsonObject, model: string): JsonObject {
  const messages = listOf(body['messages']).map(message => ({
    role: objectOf(message)['role'] ?? null,
    content: markList(listOf(objectOf(message)['content'])),
  }))
  const tools = markList(listOf(objectOf(body['toolConfig'])['tools']))
  return { model, tools, system: markList(listOf(body['system'])), messages }
}

function markList(list: readonly Json[]): Json[] {
  const marked: Json[] = []
  for (const element of list) {
    const point = objectOf(element)['cachePoint']
    const last = marked.at(-1)
    if (point === undefined) marked.push(element)
    else if (last !== undefined)
      marked[marked.length - 1] = { ...objectOf(last), cache_control: { ttl: objectOf(point)['ttl'] ?? '5m' } }
  }
  return marked
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
