// opencode.

import adapter from '../../../runner/agents/opencode.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'opencode',
  variantsOf(adapter, [
    { id: 'anthropic', ...anthropic },
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
    { id: 'acp', ...anthropic, driver: 'acp' },
  ]),
)
