// Continue's command line. It resumes the last session of its home, which in a trial is the trial's own.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('cn')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses'] as const

function configure({ spec, baseUrls, token }: AgentContext): string {
  const provider = chooseProtocol(spec, protocols) === 'anthropic-messages' ? 'anthropic' : 'openai'
  return [
    ...['name: recorded', 'version: 0.0.1', 'schema: v1', 'models:', '  - name: Recorded', `    provider: ${provider}`],
    ...[`    model: ${JSON.stringify(spec.model ?? '')}`, `    apiBase: ${baseUrls.openai}/`, `    apiKey: ${token}`],
    ...['    roles: [chat, edit, apply, summarize]', '    capabilities: [tool_use]', ''],
  ].join('\n')
}

export default {
  id: 'cn',
  title: 'Continue, its command line',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process'],
  refuse: needModel,
  files: context => ({ [`${context.home}/.continue/config.yaml`]: configure(context) }),
  env: () => ({}),
  command: ({ instruction, continues }, { home }) => ({
    argv: [
      ...[program, '--config', `${home}/.continue/config.yaml`, '--auto', '--format', 'json'],
      ...(continues ? ['--resume'] : []),
      '-p',
    ],
    stdin: instruction,
  }),
  readSession: () => null,
  traps: [
    '`apiBase` ends in `/v1/`.',
    'It gives up at the first 429 or 500.',
    'Its output has neither a session id nor usage.',
    'It chooses between Responses and Chat Completions by the name of the model.',
  ],
} satisfies AgentAdapter
