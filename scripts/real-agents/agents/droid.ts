// Factory's droid, airgapped over the Agent Client Protocol, and a process per turn with its own service answered 404.

import adapter from '../../../runner/agents/droid.ts'
import type { Variant } from './_agent.ts'
import { realAgentOf, variantOf, variantsOf } from './_from-adapter.ts'
import { anthropic, chat, responses } from './_models.ts'

const overAcp = variantsOf(adapter, [
  { id: 'anthropic', ...anthropic, driver: 'acp' },
  { id: 'chat', ...chat, driver: 'acp' },
  { id: 'responses', ...responses, driver: 'acp' },
])

const byProcess: Variant = {
  ...variantOf(adapter, { id: 'exec', ...anthropic, driver: 'acp' }),
  env: place => ({ FACTORY_API_KEY: 'fk-none', FACTORY_API_BASE_URL: `${place.base}/factory` }),
  drive: {
    kind: 'process',
    turn: (_, prompt, session) => ({
      args: [
        ...['exec', '--skip-permissions-unsafe', '-o', 'stream-json', '-m', 'custom:Recorded-0'],
        ...(session === null ? [] : ['-s', session]),
        prompt,
      ],
    }),
    readSession: output => /"session_id":"([^"]+)"/.exec(output)?.[1] ?? null,
  },
  asksBeside: [/^\/factory\//],
}

export default realAgentOf(adapter, 'droid', [...overAcp, byProcess])
