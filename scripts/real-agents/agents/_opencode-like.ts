// opencode and its descendants share one configuration schema; only the names of the variables differ.

import type { Place, Variant } from './_agent.ts'

export interface OpencodeNames {
  readonly configVariable: string
  readonly env: Readonly<Record<string, string>>
}

export type OpencodeProvider = 'anthropic' | 'chat' | 'responses'

const protocolOf = { anthropic: 'anthropic-messages', chat: 'openai-chat', responses: 'openai-responses' } as const
const modelOf = { anthropic: 'anthropic/claude-sonnet-4-5', chat: 'simulated/simulated-1', responses: 'openai/gpt-5.2' } as const

/** Both providers known to it and one of our own; the whole configuration travels in a variable. */
function configure(provider: OpencodeProvider, place: Place): string {
  const options = { baseURL: `${place.base}/v1`, apiKey: place.key }
  const models = { 'simulated-1': { name: 'simulated', limit: { context: 200_000, output: 16_000 } } }
  const providers = {
    anthropic: { anthropic: { options } },
    responses: { openai: { options } },
    chat: { simulated: { npm: '@ai-sdk/openai-compatible', name: 'Simulated', options, models } },
  }[provider]
  return JSON.stringify({
    model: modelOf[provider],
    small_model: modelOf[provider],
    autoupdate: false,
    share: 'disabled',
    permission: 'allow',
    enabled_providers: Object.keys(providers),
    provider: providers,
  })
}

/** One process for all turns. */
export function opencodeOverAcp(provider: OpencodeProvider, names: OpencodeNames): Variant {
  return { ...opencodeVariant(provider, names), id: 'acp', drive: { kind: 'acp', args: () => ['acp'] } }
}

export function opencodeVariant(provider: OpencodeProvider, names: OpencodeNames): Variant {
  return {
    id: provider,
    protocol: protocolOf[provider],
    env: place => ({ [names.configVariable]: configure(provider, place), ...names.env }),
    drive: {
      kind: 'process',
      turn: (_, prompt, session) => ({
        args: ['run', '--format', 'json', ...(session === null ? [] : ['-s', session])],
        // A prompt with spaces given as an argument reaches the model in quotation marks.
        stdin: `${prompt}\n`,
      }),
      readSession: output => /ses_[A-Za-z0-9]+/.exec(output)?.[0] ?? null,
    },
  }
}
