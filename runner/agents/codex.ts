// OpenAI's Codex: a provider of our own in its configuration, so that it speaks plain requests; a process per request.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { needModel, quoteToml } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('codex')
const flags = ['--json', '--dangerously-bypass-approvals-and-sandbox', '--skip-git-repo-check']

const configure = ({ spec, baseUrls }: AgentContext): string =>
  [
    `model = ${quoteToml(spec.model ?? '')}`,
    'model_provider = "recorded"',
    'check_for_update_on_startup = false',
    '',
    '[model_providers.recorded]',
    'name = "recorded"',
    `base_url = ${quoteToml(baseUrls.openai)}`,
    'env_key = "RECORDED_KEY"',
    'wire_api = "responses"',
    '',
    ...['[features]', 'plugins = false', '', '[analytics]', 'enabled = false', '', '[feedback]', 'enabled = false', ''],
  ].join('\n')

export default {
  id: 'codex',
  title: 'Codex, by OpenAI',
  protocols: ['openai-responses'],
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process'],
  refuse: needModel,
  files: context => ({ [`${context.home}/.codex/config.toml`]: configure(context) }),
  env: ({ token }) => ({ RECORDED_KEY: token }),
  command: ({ instruction, session, continues }) => ({
    argv: [program, 'exec', ...(continues ? ['resume', session] : []), ...flags, '-'],
    stdin: instruction,
  }),
  namesSessions: true,
  readSession: stdout => /"thread_id":"([^"]+)"/.exec(stdout)?.[1] ?? null,
  traps: [
    'Standard input is read to its end before anything else happens: it must be closed.',
    'With `plugins` on it looks up github.com and chatgpt.com in every run.',
    'Its error messages print the full base URL, a token in it included.',
    'Its built-in provider tries a WebSocket first; the provider configured here does not.',
  ],
} satisfies AgentAdapter
