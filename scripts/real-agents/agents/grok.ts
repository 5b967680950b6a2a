// xAI's Grok command line, over each of the three protocols it knows.

import type { RealAgent, Variant } from './_agent.ts'

function variant(id: string, protocol: string, backend: string, model: string): Variant {
  return {
    id,
    protocol,
    env: place => ({
      XAI_API_KEY: place.key,
      GROK_DISABLE_AUTOUPDATER: '1',
      GROK_TELEMETRY_ENABLED: 'false',
      GROK_FEEDBACK_ENABLED: 'false',
      GROK_TELEMETRY_TRACE_UPLOAD: 'false',
      GROK_TURN_SUMMARY: 'false',
      GROK_SESSION_RECAP: 'false',
    }),
    files: place => ({
      '.grok/config.toml': [
        ...['[cli]', 'auto_update = false', '', '[features]', 'telemetry = false', 'feedback = false', ''],
        ...['[telemetry]', 'trace_upload = false', 'mixpanel_enabled = false', ''],
        ...['[models]', `default = "${model}"`, '', `[model."${model}"]`, `model = "${model}"`],
        ...[`base_url = "${place.base}/v1"`, 'name = "recorded"', `api_key = "${place.key}"`],
        ...[`api_backend = "${backend}"`, 'context_window = 200000', ''],
      ].join('\n'),
    }),
    drive: {
      kind: 'process',
      turn: (place, prompt, session) => ({
        args: [
          ...['--always-approve', '--output-format', 'streaming-json'],
          ...(session === null ? ['--session-id', place.uuid] : ['--resume', session]),
          ...['-p', prompt],
        ],
      }),
    },
  }
}

export default {
  id: 'grok',
  title: 'Grok',
  npm: '@xai-official/grok',
  version: '1.0.41',
  program: 'grok',
  traps: [
    'Once per process it asks for `GET /` without the path prefix and without a key: that request lands in the session `default`.',
    'Without the last two variables it asks for summaries and titles with the full history, and cuts them when it ends.',
  ],
  variants: [
    variant('chat', 'openai-chat', 'chat_completions', 'simulated-1'),
    variant('responses', 'openai-responses', 'responses', 'gpt-5.2'),
    variant('messages', 'anthropic-messages', 'messages', 'claude-sonnet-4-5'),
    {
      ...variant('chat', 'openai-chat', 'chat_completions', 'simulated-1'),
      id: 'acp',
      drive: { kind: 'acp', args: () => ['agent', '--always-approve', '--no-leader', 'stdio'] },
    },
  ],
} as const satisfies RealAgent
