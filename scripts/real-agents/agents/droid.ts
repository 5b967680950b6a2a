// Factory's droid, airgapped over the Agent Client Protocol, and a process per turn with its own service answered 404.

import type { Place, RealAgent, Variant } from './_agent.ts'

interface Model {
  readonly provider: string
  readonly protocol: string
  readonly model: string
  readonly suffix: '' | '/v1'
}

const settings = (place: Place, { provider, model, suffix }: Model): string =>
  JSON.stringify({
    model: 'custom:Recorded-0',
    customModels: [
      { model, displayName: 'Recorded', baseUrl: `${place.base}${suffix}`, apiKey: place.key, provider, maxOutputTokens: 16_000 },
    ],
    cloudSessionSync: false,
    enableDroidShield: false,
    autoUpdate: false,
  })

function overAcp(id: string, model: Model): Variant {
  return {
    id,
    protocol: model.protocol,
    env: () => ({ FACTORY_AIRGAP_ENABLED: 'true' }),
    files: place => ({ '.factory/settings.json': settings(place, model) }),
    drive: { kind: 'acp', args: () => ['exec', '--output-format', 'acp', '-m', 'custom:Recorded-0'] },
  }
}

const anthropic: Model = {
  provider: 'anthropic',
  protocol: 'anthropic-messages',
  model: 'claude-sonnet-4-5',
  suffix: '',
}

export default {
  id: 'droid',
  title: 'Droid',
  npm: 'droid',
  version: '0.215.0',
  program: 'droid',
  traps: [
    'Needs `ps` (package procps): without it every command it runs is killed.',
    'Airgapped it cannot resume in a new process: use ACP, or answer its own service with 404 at `FACTORY_API_BASE_URL`.',
  ],
  variants: [
    overAcp('anthropic', anthropic),
    overAcp('chat', {
      provider: 'generic-chat-completion-api',
      protocol: 'openai-chat',
      model: 'simulated-1',
      suffix: '/v1',
    }),
    overAcp('responses', { provider: 'openai', protocol: 'openai-responses', model: 'gpt-5.2', suffix: '/v1' }),
    {
      id: 'exec',
      protocol: 'anthropic-messages',
      env: place => ({ FACTORY_API_KEY: 'fk-none', FACTORY_API_BASE_URL: `${place.base}/factory` }),
      files: place => ({ '.factory/settings.json': settings(place, anthropic) }),
      drive: {
        kind: 'process',
        turn: (_, prompt, session) => ({
          args: [
            ...['exec', '--skip-permissions-unsafe', '-o', 'stream-json', '-m', 'custom:Recorded-0'],
            ...(session === null ? [] : ['-s', session]),
            prompt,
          ],
        }),
        readSession: output => /"session_id":"([^"]+)"/.exec(output)?.[1] ?? null,
      },
      asksBeside: [/^\/factory\//],
    },
  ],
} as const satisfies RealAgent
