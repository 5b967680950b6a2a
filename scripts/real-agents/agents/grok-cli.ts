// The grok command line of the @vibe-kit scope: Chat Completions without streaming, and no way to continue a session.

import type { RealAgent } from './_agent.ts'

export default {
  id: 'grok-cli',
  title: 'grok-cli',
  npm: '@vibe-kit/grok-cli',
  version: '0.0.34',
  program: 'grok',
  traps: ['Whole answers only, no streams.', 'It cannot continue a session.'],
  variants: [
    {
      id: 'chat',
      protocol: 'openai-chat',
      env: place => ({ GROK_API_KEY: place.key, GROK_BASE_URL: `${place.base}/v1`, GROK_MODEL: 'simulated-1' }),
      drive: { kind: 'process', turn: (_, prompt) => ({ args: ['-p', prompt] }) },
      oneTurn: 'it cannot continue a session',
    },
  ],
} as const satisfies RealAgent
