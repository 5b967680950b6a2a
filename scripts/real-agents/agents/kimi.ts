// Kimi Code, over Chat Completions, Responses and Anthropic Messages.

import type { RealAgent, Variant } from './_agent.ts'

interface Provider {
  readonly type: string
  readonly protocol: string
  readonly model: string
  readonly suffix: '' | '/v1'
  readonly capabilities: string
}

function variant(id: string, provider: Provider): Variant {
  return {
    id,
    protocol: provider.protocol,
    env: () => ({ KIMI_CODE_NO_AUTO_UPDATE: '1' }),
    files: place => ({
      '.kimi-code/config.toml': [
        'default_model = "recorded"',
        'default_permission_mode = "auto"',
        'telemetry = false',
        '',
        '[providers.recorded]',
        `type = "${provider.type}"`,
        `base_url = "${place.base}${provider.suffix}"`,
        `api_key = "${place.key}"`,
        '',
        '[models.recorded]',
        'provider = "recorded"',
        `model = "${provider.model}"`,
        'max_context_size = 200000',
        `capabilities = ${provider.capabilities}`,
        '',
      ].join('\n'),
    }),
    drive: {
      kind: 'process',
      turn: (_, prompt, session) => ({
        args: ['--output-format', 'stream-json', ...(session === null ? [] : ['-S', session]), '-p', prompt],
      }),
      readSession: output => /"session_id":"(session_[^"]+)"/.exec(output)?.[1] ?? null,
    },
  }
}

const kimiProvider: Provider = {
  type: 'kimi',
  protocol: 'openai-chat',
  model: 'kimi-k2',
  suffix: '/v1',
  capabilities: '["thinking", "tool_use"]',
}
const both = '["thinking", "tool_use"]'

export default {
  id: 'kimi',
  title: 'Kimi Code',
  npm: '@moonshot-ai/kimi-code',
  version: '2.1.0',
  program: 'kimi',
  traps: ['Needs Node 22.19 or newer.', 'Its output has no usage: only the record knows the tokens.'],
  variants: [
    variant('kimi', kimiProvider),
    { ...variant('kimi', kimiProvider), id: 'acp', drive: { kind: 'acp', args: () => ['acp'] } },
    variant('chat', {
      type: 'openai',
      protocol: 'openai-chat',
      model: 'simulated-1',
      suffix: '/v1',
      capabilities: '["tool_use"]',
    }),
    variant('responses', {
      type: 'openai_responses',
      protocol: 'openai-responses',
      model: 'gpt-5.2',
      suffix: '/v1',
      capabilities: both,
    }),
    variant('anthropic', {
      type: 'anthropic',
      protocol: 'anthropic-messages',
      model: 'claude-sonnet-4-5',
      suffix: '',
      capabilities: both,
    }),
  ],
} as const satisfies RealAgent
