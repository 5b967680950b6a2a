// Cline's command line. A session is continued only within one process, so it is driven over the Agent Client Protocol.

import type { RealAgent, Variant } from './_agent.ts'

function variant(id: string, protocol: string, provider: string, model: string): Variant {
  return {
    id,
    protocol,
    env: place => ({ CLINE_API_KEY: place.key, CLINE_PROVIDER: provider }),
    files: place => ({
      '.cline/data/settings/providers.json': JSON.stringify({
        version: 1,
        lastUsedProvider: provider,
        modes: {},
        providers: {
          [provider]: {
            settings: { provider, apiKey: place.key, model, baseUrl: `${place.base}/v1` },
            updatedAt: '2026-01-01T00:00:00.000Z',
            tokenSource: 'manual',
          },
        },
      }),
    }),
    drive: { kind: 'acp', args: () => ['--acp', '--auto-approve', 'true'] },
  }
}

export default {
  id: 'cline',
  title: 'Cline',
  npm: 'cline',
  version: '3.0.65',
  program: 'cline',
  traps: [
    'Without a terminal a second process cannot continue a session: use ACP.',
    'It leaves a daemon behind: end everything that has its home directory.',
  ],
  variants: [
    variant('chat', 'openai-chat', 'openai-compatible', 'simulated-1'),
    variant('anthropic', 'anthropic-messages', 'anthropic', 'claude-sonnet-4-5'),
    variant('responses', 'openai-responses', 'openai-native', 'gpt-5.2'),
  ],
} as const satisfies RealAgent
