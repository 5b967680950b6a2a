// Qwen Code, over each of the four protocols it knows.

import adapter from '../../../runner/agents/qwen-code.ts'
import { realAgentOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, gemini, responses } from './_models.ts'

export default realAgentOf(
  adapter,
  'qwen',
  variantsOf(adapter, [
    { id: 'openai', ...chat },
    { id: 'openai-responses', ...responses },
    { id: 'anthropic', ...anthropic },
    { id: 'gemini', ...gemini },
    { id: 'acp', ...chat, driver: 'acp' },
  ]),
)
