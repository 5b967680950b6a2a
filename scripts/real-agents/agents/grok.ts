// xAI's Grok command line, over each of the three protocols it knows.

import adapter from '../../../runner/agents/grok.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'grok',
  variantsOf(adapter, [
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
    { id: 'messages', ...anthropic },
    { id: 'acp', ...chat, driver: 'acp' },
  ]),
)
