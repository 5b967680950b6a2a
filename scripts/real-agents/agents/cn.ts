// Continue's command line.

import adapter from '../../../runner/agents/cn.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'cn',
  variantsOf(adapter, [
    { id: 'anthropic', ...anthropic },
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
  ]),
)
