// GitHub Copilot's command line with a provider of one's own: no login, no network.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('copilot')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses'] as const

function nameProvider({ spec, baseUrls }: AgentContext): Record<string, string> {
  const protocol = chooseProtocol(spec, protocols)
  if (protocol === 'anthropic-messages')
    return { COPILOT_PROVIDER_TYPE: 'anthropic', COPILOT_PROVIDER_BASE_URL: baseUrls.anthropic }
  return {
    COPILOT_PROVIDER_TYPE: 'openai',
    COPILOT_PROVIDER_BASE_URL: baseUrls.openai,
    COPILOT_PROVIDER_WIRE_API: protocol === 'openai-responses' ? 'responses' : 'completions',
  }
}

export default {
  id: 'copilot',
  title: 'Copilot, by GitHub',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process', 'acp'],
  serve: () => ({ argv: [program, '--acp', '--allow-all-tools', '--disable-builtin-mcps'] }),
  refuse: needModel,
  files: () => ({}),
  env: context => ({
    ...nameProvider(context),
    COPILOT_PROVIDER_API_KEY: context.token,
    COPILOT_MODEL: context.spec.model ?? '',
    COPILOT_OFFLINE: 'true',
    COPILOT_AUTO_UPDATE: 'false',
  }),
  // The session is made when there is none of that name, so all requests are the same command.
  command: ({ instruction, session }) => ({
    argv: [
      ...[program, '--output-format', 'json', '--allow-all-tools', '--allow-all-paths', '--no-ask-user'],
      ...['--disable-builtin-mcps', '--session-id', session, `--prompt=${instruction}`],
    ],
  }),
  readSession: () => null,
  traps: [
    'Over Chat Completions it hangs up as soon as it has read `[DONE]`.',
    'After a resume it rewords the results of failed tools.',
  ],
} satisfies AgentAdapter
