// Kimi Code, over Chat Completions in its own dialect and the common one, Responses and Anthropic Messages.

import adapter from '../../../runner/agents/kimi.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'kimi',
  variantsOf(adapter, [
    { id: 'kimi', ...chat, model: 'kimi-k2' },
    { id: 'acp', ...chat, model: 'kimi-k2', driver: 'acp' },
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
    { id: 'anthropic', ...anthropic },
  ]),
)
