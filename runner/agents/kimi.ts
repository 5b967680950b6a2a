// Kimi Code, over Chat Completions, Responses and Anthropic Messages.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, contextTokens, needModel, quoteToml } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('kimi')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses'] as const

/** Its own dialect of Chat Completions is for its own models: it adds headers and thinking that others refuse. */
function nameType({ spec }: AgentContext): string {
  const protocol = chooseProtocol(spec, protocols)
  if (protocol === 'anthropic-messages') return 'anthropic'
  if (protocol === 'openai-responses') return 'openai_responses'
  return /kimi/i.test(spec.model ?? '') ? 'kimi' : 'openai'
}

function configure(context: AgentContext): string {
  const type = nameType(context)
  const { spec, baseUrls, token } = context
  return [
    'default_model = "recorded"',
    'default_permission_mode = "auto"',
    'telemetry = false',
    '',
    '[providers.recorded]',
    `type = "${type}"`,
    `base_url = ${quoteToml(type === 'anthropic' ? baseUrls.anthropic : baseUrls.openai)}`,
    `api_key = ${quoteToml(token)}`,
    '',
    '[models.recorded]',
    'provider = "recorded"',
    `model = ${quoteToml(spec.model ?? '')}`,
    `max_context_size = ${contextTokens}`,
    `capabilities = ${type === 'openai' ? '["tool_use"]' : '["thinking", "tool_use"]'}`,
    '',
  ].join('\n')
}

export default {
  id: 'kimi',
  title: 'Kimi Code, by Moonshot',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process', 'acp'],
  serve: () => ({ argv: [program, 'acp'] }),
  refuse: needModel,
  files: context => ({ [`${context.home}/.kimi-code/config.toml`]: configure(context) }),
  env: () => ({ KIMI_CODE_NO_AUTO_UPDATE: '1' }),
  command: ({ instruction, session, continues }) => ({
    argv: [program, '--output-format', 'stream-json', ...(continues ? ['-S', session] : []), `--prompt=${instruction}`],
  }),
  namesSessions: true,
  readSession: stdout => /"session_id":"(session_[^"]+)"/.exec(stdout)?.[1] ?? null,
  traps: ['Needs Node 22.19 or newer.', 'Its output has no usage: only the record knows the tokens.'],
} satisfies AgentAdapter
