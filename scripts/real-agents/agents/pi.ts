// pi, over each of the four protocols it knows.

import adapter from '../../../runner/agents/pi.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, gemini, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'pi',
  variantsOf(adapter, [
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
    { id: 'anthropic', ...anthropic },
    { id: 'gemini', ...gemini },
  ]),
)
