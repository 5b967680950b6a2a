// pi, over each of the four protocols it knows.

import type { Place, RealAgent, Variant } from './_agent.ts'

const cost = { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 1 }

function provider(place: Place, api: string, model: string): object {
  const entry = { id: model, name: model, reasoning: true, input: ['text'], contextWindow: 200_000, maxTokens: 16_000, cost }
  return { baseUrl: `${place.base}/v1`, apiKey: place.key, api, models: [entry] }
}

const models = (place: Place): string =>
  JSON.stringify({
    providers: {
      chat: provider(place, 'openai-completions', 'simulated-1'),
      responses: provider(place, 'openai-responses', 'gpt-5.2'),
      anthropic: { baseUrl: place.base },
      google: { baseUrl: `${place.base}/v1beta` },
    },
  })

function variant(id: string, protocol: string, model: string): Variant {
  return {
    id,
    protocol,
    env: place => ({
      ANTHROPIC_API_KEY: place.key,
      GEMINI_API_KEY: place.key,
      PI_OFFLINE: '1',
      PI_TELEMETRY: '0',
      PI_SKIP_VERSION_CHECK: '1',
    }),
    files: place => ({ '.pi/agent/models.json': models(place) }),
    drive: {
      kind: 'process',
      // The session is made when there is none of that name, so both turns are the same command.
      turn: (place, prompt) => ({ args: ['--mode', 'json', '--model', model, '--session-id', place.uuid, '-p', prompt] }),
    },
  }
}

export default {
  id: 'pi',
  title: 'pi',
  npm: '@earendil-works/pi-coding-agent',
  version: '0.87.1',
  program: 'pi',
  traps: [
    'Needs Node 22.19 or newer.',
    'Exits with 0 also after giving up: judge it by the record.',
    'Only over Responses does it send a session id.',
  ],
  variants: [
    variant('chat', 'openai-chat', 'chat/simulated-1'),
    variant('responses', 'openai-responses', 'responses/gpt-5.2'),
    variant('anthropic', 'anthropic-messages', 'anthropic/claude-sonnet-4-5'),
    variant('gemini', 'gemini', 'google/gemini-2.5-pro'),
  ],
} as const satisfies RealAgent
