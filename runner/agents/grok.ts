// xAI's Grok command line, over each of the three protocols it knows.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, contextTokens, needModel, quoteToml } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('grok')
const protocols = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const
const backends: Readonly<Record<string, string>> = {
  'openai-chat': 'chat_completions',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
}

function configure({ spec, baseUrls, token }: AgentContext): string {
  const model = quoteToml(spec.model ?? '')
  return [
    ...['[cli]', 'auto_update = false', '', '[features]', 'telemetry = false', 'feedback = false', ''],
    ...['[telemetry]', 'trace_upload = false', 'mixpanel_enabled = false', ''],
    ...['[models]', `default = ${model}`, '', `[model.${model}]`, `model = ${model}`],
    ...[`base_url = ${quoteToml(baseUrls.openai)}`, 'name = "recorded"', `api_key = ${quoteToml(token)}`],
    ...[`api_backend = "${backends[chooseProtocol(spec, protocols)] ?? ''}"`, `context_window = ${contextTokens}`, ''],
  ].join('\n')
}

export default {
  id: 'grok',
  title: 'Grok, by xAI',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process', 'acp'],
  serve: () => ({ argv: [program, 'agent', '--always-approve', '--no-leader', 'stdio'] }),
  refuse: needModel,
  files: context => ({ [`${context.home}/.grok/config.toml`]: configure(context) }),
  env: ({ token }) => ({
    XAI_API_KEY: token,
    GROK_DISABLE_AUTOUPDATER: '1',
    GROK_TELEMETRY_ENABLED: 'false',
    GROK_FEEDBACK_ENABLED: 'false',
    GROK_TELEMETRY_TRACE_UPLOAD: 'false',
    GROK_TURN_SUMMARY: 'false',
    GROK_SESSION_RECAP: 'false',
  }),
  command: ({ instruction, session, continues }) => ({
    argv: [
      ...[program, '--always-approve', '--output-format', 'streaming-json', continues ? '--resume' : '--session-id', session],
      `-p=${instruction}`,
    ],
  }),
  readSession: () => null,
  traps: [
    'Once per process it asks for `GET /` without the path prefix and without a key: that request lands in the session `default`.',
    'Without the last two variables it asks for summaries and titles with the full history, and cuts them when it ends.',
  ],
} satisfies AgentAdapter
