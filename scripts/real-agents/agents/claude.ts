// Claude Code.

import adapter from '../../../runner/agents/claude-code.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic } from './_models.ts'

export default realAgentOf(
  adapter,
  'claude',
  variantsOf(adapter, [
    { id: 'anthropic', ...anthropic },
    { id: 'lines', ...anthropic, driver: 'stream-json' },
  ]),
)
