// GitHub Copilot's command line with a provider of one's own: no login, no network.

import adapter from '../../../runner/agents/copilot.ts'
import type { Variant } from './_agent.ts'
import { realAgentOf, variantOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

const plain = variantOf(adapter, { id: 'websocket', ...responses })
const websocket: Variant = {
  ...plain,
  transport: 'websocket',
  env: place => ({ ...plain.env(place), COPILOT_PROVIDER_TRANSPORT: 'websockets' }),
}

export default realAgentOf(adapter, 'copilot', [
  ...variantsOf(adapter, [
    { id: 'anthropic', ...anthropic },
    { id: 'chat', ...chat },
    { id: 'responses', ...responses },
  ]),
  websocket,
  variantOf(adapter, { id: 'acp', ...anthropic, driver: 'acp' }),
])
