// Names of OpenTelemetry's conventions for generative AI that traces are written with: the one place to change when they change. They are
// in development and not stable; docs/convert.md says the same version.

/** The GenAI conventions live in a repository of their own, without releases; this is the state these names are taken from. */
export const conventions = 'opentelemetry semantic-conventions-genai, development, names as of general conventions 1.41.1'

export const names = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  conversation: 'gen_ai.conversation.id',
  agentId: 'gen_ai.agent.id',
  agentName: 'gen_ai.agent.name',
  agentVersion: 'gen_ai.agent.version',
  workflow: 'gen_ai.workflow.name',
  requestModel: 'gen_ai.request.model',
  maxTokens: 'gen_ai.request.max_tokens',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  /** Is being renamed to cache_write. */
  cacheWrite: 'gen_ai.usage.cache_creation.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
  instructions: 'gen_ai.system_instructions',
  tools: 'gen_ai.tool.definitions',
  input: 'gen_ai.input.messages',
  output: 'gen_ai.output.messages',
  toolName: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  toolCallId: 'gen_ai.tool.call.id',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  error: 'error.type',
  status: 'http.response.status_code',
} as const

export const operations = {
  scope: 'invoke_workflow',
  lane: 'invoke_agent',
  call: 'chat',
  tool: 'execute_tool',
} as const

const providers: Readonly<Record<string, string>> = {
  'anthropic-messages': 'anthropic',
  'openai-chat': 'openai',
  'openai-responses': 'openai',
  gemini: 'gcp.gemini',
  'bedrock-converse': 'aws.bedrock',
  'bedrock-invoke': 'aws.bedrock',
}

/** By the protocol that was spoken, which is what the conventions ask for; an unknown one is named as it is. */
export function nameProvider(protocol: string): string {
  return providers[protocol] ?? (protocol === '' ? 'unknown' : protocol)
}

const finishReasons: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  completed: 'stop',
  STOP: 'stop',
  max_tokens: 'length',
  max_output_tokens: 'length',
  MAX_TOKENS: 'length',
  tool_use: 'tool_call',
  tool_calls: 'tool_call',
  function_call: 'tool_call',
  refusal: 'content_filter',
  SAFETY: 'content_filter',
}

/** The conventions' word where they have one, else the provider's; an answer that was cut has none of its own. */
export function nameFinish(stopReason: string | null): string {
  return stopReason === null ? 'error' : (finishReasons[stopReason] ?? stopReason)
}
