// Gemini CLI, a process per turn and over the Agent Client Protocol.

import adapter from '../../../runner/agents/gemini-cli.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { gemini } from './_models.ts'

export default realAgentOf(
  adapter,
  'gemini',
  variantsOf(adapter, [
    { id: 'gemini', ...gemini },
    { id: 'acp', ...gemini, driver: 'acp' },
  ]),
)
