// Factory's droid, airgapped, over the Agent Client Protocol: a process per request would ask its own service for the session.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, needModel, outputTokens } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('droid')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses'] as const
const providers: Readonly<Record<string, string>> = {
  'openai-chat': 'generic-chat-completion-api',
  'anthropic-messages': 'anthropic',
  'openai-responses': 'openai',
}

function configure({ spec, baseUrls, token }: AgentContext): string {
  const protocol = chooseProtocol(spec, protocols)
  const baseUrl = protocol === 'anthropic-messages' ? baseUrls.anthropic : baseUrls.openai
  const model = {
    ...{ model: spec.model ?? '', displayName: 'Recorded', baseUrl, apiKey: token },
    ...{ provider: providers[protocol] ?? '', maxOutputTokens: outputTokens },
  }
  return JSON.stringify({
    model: 'custom:Recorded-0',
    customModels: [model],
    cloudSessionSync: false,
    enableDroidShield: false,
    autoUpdate: false,
  })
}

export default {
  id: 'droid',
  title: 'Droid, by Factory',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['acp'],
  serve: () => ({ argv: [program, 'exec', '--output-format', 'acp', '-m', 'custom:Recorded-0'] }),
  refuse: needModel,
  files: context => ({ [`${context.home}/.factory/settings.json`]: configure(context) }),
  env: () => ({ FACTORY_AIRGAP_ENABLED: 'true' }),
  command: () => null,
  readSession: () => null,
  traps: [
    'Needs `ps` (package procps): without it every command it runs is killed.',
    'Airgapped it cannot resume in a new process: use ACP, or answer its own service with 404 at `FACTORY_API_BASE_URL`.',
  ],
} satisfies AgentAdapter
