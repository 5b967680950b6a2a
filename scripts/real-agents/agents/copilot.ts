// GitHub Copilot's command line with a provider of one's own: no login, no network.

import type { Place, RealAgent, Variant } from './_agent.ts'

function variant(id: string, protocol: string, model: string, provider: (place: Place) => Record<string, string>): Variant {
  return {
    id,
    protocol,
    env: place => ({
      ...provider(place),
      COPILOT_PROVIDER_API_KEY: place.key,
      COPILOT_MODEL: model,
      COPILOT_OFFLINE: 'true',
      COPILOT_AUTO_UPDATE: 'false',
    }),
    drive: {
      kind: 'process',
      turn: (place, prompt) => ({
        args: [
          ...['--output-format', 'json', '--allow-all-tools', '--allow-all-paths', '--no-ask-user', '--disable-builtin-mcps'],
          ...['--session-id', place.uuid, '-p', prompt],
        ],
      }),
    },
  }
}

const anthropic = variant('anthropic', 'anthropic-messages', 'claude-sonnet-4-5', place => ({
  COPILOT_PROVIDER_TYPE: 'anthropic',
  COPILOT_PROVIDER_BASE_URL: place.base,
}))

const openai = (wire: string) => (place: Place) => ({
  COPILOT_PROVIDER_TYPE: 'openai',
  COPILOT_PROVIDER_BASE_URL: `${place.base}/v1`,
  COPILOT_PROVIDER_WIRE_API: wire,
})

export default {
  id: 'copilot',
  title: 'Copilot',
  npm: '@github/copilot',
  version: '1.0.102',
  program: 'copilot',
  traps: [
    'Over Chat Completions it hangs up as soon as it has read `[DONE]`.',
    'After a resume it rewords the results of failed tools.',
  ],
  variants: [
    anthropic,
    variant('chat', 'openai-chat', 'simulated-1', openai('completions')),
    variant('responses', 'openai-responses', 'gpt-5.2', openai('responses')),
    {
      ...variant('websocket', 'openai-responses', 'gpt-5.2', place => ({
        ...openai('responses')(place),
        COPILOT_PROVIDER_TRANSPORT: 'websockets',
      })),
      transport: 'websocket',
    },
    { ...anthropic, id: 'acp', drive: { kind: 'acp', args: () => ['--acp', '--allow-all-tools', '--disable-builtin-mcps'] } },
  ],
} as const satisfies RealAgent
