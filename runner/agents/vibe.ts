// Mistral's Vibe, a Python program: installed by its user (`pip install mistral-vibe`), found on the path.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { needModel, quoteToml } from './_choices.ts'

const configure = ({ spec, baseUrls }: AgentContext): string =>
  [
    `active_model = ${quoteToml(spec.model ?? '')}`,
    'enable_telemetry = false',
    'enable_update_checks = false',
    '',
    '[[providers]]',
    'name = "recorded"',
    `api_base = ${quoteToml(baseUrls.openai)}`,
    'api_key_env_var = "RECORDED_KEY"',
    'api_style = "openai"',
    'backend = "generic"',
    '',
    '[[models]]',
    `name = ${quoteToml(spec.model ?? '')}`,
    'provider = "recorded"',
    `alias = ${quoteToml(spec.model ?? '')}`,
    '',
  ].join('\n')

export default {
  id: 'vibe',
  title: 'Vibe, by Mistral',
  protocols: ['openai-chat'],
  needsModel: true,
  resumes: () => true,
  layer: null,
  ownProgram: { name: 'vibe', install: 'pip install mistral-vibe' },
  drivers: ['process'],
  refuse: needModel,
  files: context => ({ [`${context.home}/.vibe/config.toml`]: configure(context) }),
  env: ({ home, token }) => ({ VIBE_HOME: `${home}/.vibe`, RECORDED_KEY: token }),
  command: ({ instruction, continues }) => ({
    argv: ['vibe', ...(continues ? ['--continue'] : []), '--auto-approve', '--output', 'streaming', `--prompt=${instruction}`],
  }),
  readSession: () => null,
  untested: 'a Python program; written by its documentation (2026-11)',
} satisfies AgentAdapter
