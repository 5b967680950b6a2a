// Cline's command line. A session is continued only within one process, so it is driven over the Agent Client Protocol.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('cline')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses'] as const
const providers: Readonly<Record<string, string>> = {
  'openai-chat': 'openai-compatible',
  'anthropic-messages': 'anthropic',
  'openai-responses': 'openai-native',
}
const nameProvider = ({ spec }: AgentContext): string => providers[chooseProtocol(spec, protocols)] ?? ''

function configure(context: AgentContext): string {
  const { spec, baseUrls, token } = context
  const provider = nameProvider(context)
  const settings = { provider, apiKey: token, model: spec.model ?? '', baseUrl: baseUrls.openai }
  return JSON.stringify({
    version: 1,
    lastUsedProvider: provider,
    modes: {},
    providers: { [provider]: { settings, updatedAt: '2026-01-01T00:00:00.000Z', tokenSource: 'manual' } },
  })
}

export default {
  id: 'cline',
  title: 'Cline, its command line',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['acp'],
  serve: () => ({ argv: [program, '--acp', '--auto-approve', 'true'] }),
  refuse: needModel,
  files: context => ({ [`${context.home}/.cline/data/settings/providers.json`]: configure(context) }),
  env: context => ({ CLINE_API_KEY: context.token, CLINE_PROVIDER: nameProvider(context) }),
  command: () => null,
  readSession: () => null,
  traps: [
    'Without a terminal a second process cannot continue a session: use ACP.',
    'It leaves a daemon behind: end everything that has its home directory.',
  ],
} satisfies AgentAdapter
