// OpenAI's Codex: a provider of our own speaks plain requests, its built-in provider tries a WebSocket first.

import type { Place, RealAgent, Variant } from './_agent.ts'

const quiet = ['[features]', 'plugins = false', '', '[analytics]', 'enabled = false', '', '[feedback]', 'enabled = false', '']

const custom = (place: Place, model: string): string =>
  [
    `model = "${model}"`,
    'model_provider = "recorded"',
    'check_for_update_on_startup = false',
    '',
    '[model_providers.recorded]',
    'name = "recorded"',
    `base_url = "${place.base}/v1"`,
    'env_key = "RECORDED_KEY"',
    'wire_api = "responses"',
    '',
    ...quiet,
  ].join('\n')

const builtIn = (place: Place): string =>
  ['model = "gpt-5.5"', `openai_base_url = "${place.base}/v1"`, 'check_for_update_on_startup = false', '', ...quiet].join('\n')

const flags = ['--json', '--dangerously-bypass-approvals-and-sandbox', '--skip-git-repo-check']

const drive: Variant['drive'] = {
  kind: 'process',
  turn: (_, prompt, session) => ({ args: ['exec', ...(session === null ? [] : ['resume', session]), ...flags, prompt] }),
  readSession: output => /"thread_id":"([^"]+)"/.exec(output)?.[1] ?? null,
}

export default {
  id: 'codex',
  title: 'Codex',
  npm: '@openai/codex',
  version: '0.169.0',
  program: 'codex',
  traps: [
    'Standard input must be closed: it is read to its end before anything else happens.',
    'With `plugins` on it looks up github.com and chatgpt.com in every run.',
    'Its error messages print the full base URL, a token in it included.',
  ],
  variants: [
    {
      id: 'responses',
      protocol: 'openai-responses',
      env: place => ({ RECORDED_KEY: place.key }),
      files: place => ({ '.codex/config.toml': custom(place, 'gpt-5.5') }),
      drive,
    },
    {
      // Its tools stand in an item of the input, and the model calls them from JavaScript.
      id: 'code-mode',
      protocol: 'openai-responses',
      env: place => ({ RECORDED_KEY: place.key }),
      files: place => ({ '.codex/config.toml': custom(place, 'gpt-6-sol') }),
      drive,
    },
    {
      id: 'built-in',
      protocol: 'openai-responses',
      transport: 'websocket',
      env: () => ({}),
      files: place => ({ '.codex/config.toml': builtIn(place) }),
      prepare: place => ({ args: ['login', '--with-api-key'], stdin: place.key }),
      drive,
    },
  ],
} as const satisfies RealAgent
