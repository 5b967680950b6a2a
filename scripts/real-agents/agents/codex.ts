// OpenAI's Codex: the provider of our own that the runner configures, and its built-in one, which tries a WebSocket first.

import adapter from '../../../runner/agents/codex.ts'
import type { Place, Variant } from './_agent.ts'
import { realAgentOf, variantOf } from './_from-adapter.ts'
import { responses } from './_models.ts'

const quiet = ['[features]', 'plugins = false', '', '[analytics]', 'enabled = false', '', '[feedback]', 'enabled = false', '']

const configureBuiltIn = (place: Place): string =>
  ['model = "gpt-5.5"', `openai_base_url = "${place.base}/v1"`, 'check_for_update_on_startup = false', '', ...quiet].join('\n')

const builtIn: Variant = {
  ...variantOf(adapter, { id: 'built-in', ...responses, model: 'gpt-5.5' }),
  transport: 'websocket',
  env: () => ({}),
  files: place => ({ '.codex/config.toml': configureBuiltIn(place) }),
  prepare: place => ({ args: ['login', '--with-api-key'], stdin: place.key }),
}

export default realAgentOf(adapter, 'codex', [
  variantOf(adapter, { id: 'responses', ...responses, model: 'gpt-5.5' }),
  // Its tools stand in an item of the input, and the model calls them from JavaScript.
  variantOf(adapter, { id: 'code-mode', ...responses, model: 'gpt-6-sol' }),
  builtIn,
])
