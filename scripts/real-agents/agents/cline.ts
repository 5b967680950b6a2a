// Cline's command line.

import adapter from '../../../runner/agents/cline.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'cline',
  variantsOf(adapter, [
    { id: 'chat', ...chat, driver: 'acp' },
    { id: 'anthropic', ...anthropic, driver: 'acp' },
    { id: 'responses', ...responses, driver: 'acp' },
  ]),
)
