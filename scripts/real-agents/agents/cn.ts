// Continue's command line.

import type { RealAgent, Variant } from './_agent.ts'

function variant(id: string, protocol: string, provider: string, model: string): Variant {
  return {
    id,
    protocol,
    env: () => ({}),
    files: place => ({
      '.continue/config.yaml': [
        ...['name: recorded', 'version: 0.0.1', 'schema: v1', 'models:', '  - name: Recorded'],
        ...[`    provider: ${provider}`, `    model: ${model}`, `    apiBase: ${place.base}/v1/`, `    apiKey: ${place.key}`],
        ...['    roles: [chat, edit, apply, summarize]', '    capabilities: [tool_use]', ''],
      ].join('\n'),
    }),
    drive: {
      kind: 'process',
      // It resumes its last session only.
      turn: (place, prompt, session) => ({
        args: [
          ...['--config', `${place.home}/.continue/config.yaml`, '--auto', '--format', 'json'],
          ...(session === null ? [] : ['--resume']),
          ...['-p', prompt],
        ],
      }),
    },
  }
}

export default {
  id: 'cn',
  title: 'Continue',
  npm: '@continuedev/cli',
  version: '1.5.47',
  program: 'cn',
  traps: ['`apiBase` ends in `/v1/`.', 'It gives up at the first 429 or 500.', 'Its output has neither a session id nor usage.'],
  variants: [
    variant('anthropic', 'anthropic-messages', 'anthropic', 'claude-sonnet-4-5'),
    variant('chat', 'openai-chat', 'openai', 'simulated-1'),
    variant('responses', 'openai-responses', 'openai', 'gpt-5.2'),
  ],
} as const satisfies RealAgent
