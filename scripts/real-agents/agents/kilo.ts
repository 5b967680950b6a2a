// Kilo Code's command line, a descendant of opencode.

import adapter from '../../../runner/agents/kilo.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { chat } from './_models.ts'

export default realAgentOf(
  adapter,
  'kilo',
  variantsOf(adapter, [
    { id: 'chat', ...chat },
    { id: 'acp', ...chat, driver: 'acp' },
  ]),
)
