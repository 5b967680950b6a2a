// pi, over each of the four protocols it knows, by a provider of our own.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, contextTokens, needModel, outputTokens } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('pi')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses', 'gemini'] as const
const interfaces: Readonly<Record<string, string>> = {
  'openai-chat': 'openai-completions',
  'anthropic-messages': 'anthropic-messages',
  'openai-responses': 'openai-responses',
  gemini: 'google-generative-ai',
}

function configure({ spec, baseUrls, token }: AgentContext): string {
  const protocol = chooseProtocol(spec, protocols)
  const urls: Readonly<Record<string, string>> = {
    'anthropic-messages': baseUrls.anthropic,
    gemini: `${baseUrls.root}/v1beta`,
  }
  const model = {
    ...{ id: spec.model ?? '', name: spec.model ?? '', reasoning: true, input: ['text'] },
    ...{ contextWindow: contextTokens, maxTokens: outputTokens },
    // Its own estimate of costs; prices are counted from the record.
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  }
  const provider = { baseUrl: urls[protocol] ?? baseUrls.openai, apiKey: token, api: interfaces[protocol], models: [model] }
  return JSON.stringify({ providers: { recorded: provider } })
}

export default {
  id: 'pi',
  title: 'pi, a small coding agent',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process'],
  refuse: needModel,
  files: context => ({ [`${context.home}/.pi/agent/models.json`]: configure(context) }),
  env: () => ({ PI_OFFLINE: '1', PI_TELEMETRY: '0', PI_SKIP_VERSION_CHECK: '1' }),
  // The session is made when there is none of that name, so all requests are the same command.
  command: ({ instruction, session }, { spec }) => ({
    argv: [program, '--mode', 'json', '--model', `recorded/${spec.model ?? ''}`, '--session-id', session, '-p'],
    stdin: instruction,
  }),
  readSession: () => null,
  traps: [
    'Needs Node 22.19 or newer.',
    'Exits with 0 also after giving up: judge it by the record.',
    'Only over Responses does it send a session id.',
  ],
} satisfies AgentAdapter
