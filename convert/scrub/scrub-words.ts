// What scrubbing knows to be structure: keys whose values are words of a protocol, ids or figures, and headers and addresses that say how
// and not what. An allow-list: what is not here is text and becomes filler. Data and predicates only.

/** Values under these keys are words of a protocol, as long as they look like one. */
const wordKeys = new Set(
  (
    'type role object status stop_reason finish_reason finishReason native_finish_reason stopReason media_type mime_type mimeType ' +
    'service_tier serviceTier effort reasoning_effort thinkingLevel thinking_level verbosity ttl detail modality mode event phase truncation ' +
    'include tool_choice encoding format syntax anthropic_version anthropic_beta prompt_cache_retention blockReason trafficType ' +
    'responseMimeType responseModalities modalities include_obfuscation cache_type caller display completionReason'
  ).split(' '),
)

const modelKeys = new Set(['model', 'modelVersion', 'model_version', 'modelId', 'model_id', 'fallback_model'])

/** Words of settings whose keys also carry texts. */
const settingWords = new Set([
  'auto',
  'none',
  'any',
  'required',
  'concise',
  'detailed',
  'all',
  'ephemeral',
  'default',
  'low',
  'medium',
  'high',
])
const settingKeys = new Set(['summary', 'generate_summary', 'stop', 'context', 'stop_sequences'])

const protocolWord = /^[A-Za-z][A-Za-z0-9_.-]{0,63}(?:\/[A-Za-z0-9_.+-]{1,63})?$/
/** As AWS names errors in bodies: with or without one of its own namespaces. */
const exceptionName = /^(?:com\.amazon(?:aws)?(?:\.[a-z0-9]{1,32}){1,6}#)?[A-Z][A-Za-z]{0,63}$/
const modelName = /^(?!arn:)[A-Za-z0-9@~][A-Za-z0-9_.:/@+-]{0,99}$/
const toolName = /^[A-Za-z0-9_$][A-Za-z0-9_.:/$-]{0,127}$/

export function isProtocolWord(key: string, value: string): boolean {
  if (modelKeys.has(key)) return modelName.test(value)
  if (key === '__type') return exceptionName.test(value)
  if (wordKeys.has(key)) return protocolWord.test(value) || /^\d{1,3}[smhd]$/.test(value)
  return settingKeys.has(key) && settingWords.has(value)
}

/** Why an answer ended early, and codes of errors: words whose keys mean something else elsewhere. */
export function isReason(key: string, holder: string, siblings: ReadonlySet<string>, value: string): boolean {
  if (!protocolWord.test(value)) return false
  if (key === 'reason') return holder === 'incomplete_details'
  return key === 'code' && (holder === 'error' || siblings.has('message'))
}

export function isToolName(value: string): boolean {
  return toolName.test(value)
}

/** Objects of these keys, and objects with members of those, name a tool. */
export const toolHolders = new Set([
  'function',
  'functionCall',
  'functionResponse',
  'function_call',
  'tool_choice',
  'custom',
  'tool',
  'tools',
  'toolSpec',
  'toolUse',
  'functionDeclarations',
  'function_declarations',
  'function_response',
])
export const toolMembers = new Set([
  'input_schema',
  'inputSchema',
  'parameters',
  'parametersJsonSchema',
  'arguments',
  'args',
  'tool_call_id',
  'tool_use_id',
  'call_id',
])
export const toolTypes = /^(?:.*_)?(?:tool_use|tool_call|function_call|function|custom|tool|mcp_call)$/

const identifiers = new Set([
  'id',
  'conversation',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'system_fingerprint',
  'encrypted_index',
])

export function isIdKey(key: string): boolean {
  return identifiers.has(key) || /(?:_id|_ids|[a-z]Ids?|_uuid)$/.test(key)
}

/** Keys of figures: how many, how long, how likely, when. */
const figureKey =
  /token|count|index|sequence|temperature|top_?[pk]$|penalty|budget|logprob|created|_at$|time|status|max|min|limit|size|width|height|^n$|^bytes$|^ms$|^seed$|^code$|offset|probability|score|ratio|level|latency/i

export function isFigureKey(key: string): boolean {
  return figureKey.test(key)
}

/** All numbers below these are figures. */
export function isFigureHolder(key: string): boolean {
  return /usage|tokens_?details|timings|logprobs|^cost_details$/i.test(key)
}

/** Values below are JSON Schemas: they name the arguments of tools. */
export const schemaKeys = new Set([
  'parameters',
  'input_schema',
  'inputSchema',
  'parametersJsonSchema',
  'parameters_json_schema',
  'response_schema',
  'responseSchema',
  'responseJsonSchema',
  'outputSchema',
  'schema',
])

/** Objects below are what a tool was asked or said, or what a user keeps with a request: no word in them is the protocol's. */
export const contentKeys = new Set([
  'input',
  'args',
  'arguments',
  'metadata',
  'partialArgs',
  'structuredContent',
  'mcp_meta',
  'client_metadata',
])

/** Texts that are JSON of their own: the arguments of a tool call. */
export const jsonTextKeys = new Set(['arguments'])

/** Words of JSON Schema that stay. */
export const schemaWordKeys = new Set(['type', 'format', '$ref', '$schema', 'required', 'propertyOrdering', '$dynamicRef'])
/** Maps from names to schemas. */
export const schemaMaps = new Set(['properties', '$defs', 'definitions', 'patternProperties', 'dependentSchemas'])
/** Values of the tool's own. */
export const schemaValues = new Set(['default', 'enum', 'const', 'examples', 'example'])

export function isSchemaWord(value: string): boolean {
  return /^[A-Za-z_$#][\w$#./-]{0,127}$/.test(value) || /^https?:\/\/json-schema\.org\//.test(value)
}

/** A key that could be a name in a program; others (paths, sentences, addresses) are content. */
export function isNameKey(key: string): boolean {
  return /^[$_\p{L}-][$_.\p{L}\p{N}-]{0,63}$/u.test(key)
}

const structuralHeaders = new Set([
  'accept',
  'accept-encoding',
  'anthropic-beta',
  'anthropic-version',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'openai-beta',
  'openai-version',
  'retry-after',
  'retry-after-ms',
  'sec-websocket-extensions',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
  'vary',
  'x-should-retry',
])

export function isStructuralHeader(name: string): boolean {
  return structuralHeaders.has(name.toLowerCase())
}

const pathWords =
  /^(?:|v\d+(?:beta\d*|alpha\d*|internal)?|messages|count_tokens|chat|completions|responses|compact|input_tokens|models|publishers|anthropic|google|openai|api|embeddings|model|invoke|invoke-with-response-stream|converse|converse-stream|batches)$/

/** Words of providers' addresses, and a model with what is asked of it. */
export function isPathWord(segment: string, before: string): boolean {
  if (pathWords.test(segment)) return true
  return (
    /^models?$/.test(before) &&
    /^[A-Za-z0-9%][A-Za-z0-9_.%@-]{0,99}(?::[A-Za-z0-9]{1,40})?$/.test(segment) &&
    !/arn/i.test(segment)
  )
}

export function isQueryWord(value: string): boolean {
  return /^(?:true|false|sse|json|\d{4}-\d\d-\d\d(?:-preview)?)$/.test(value)
}
