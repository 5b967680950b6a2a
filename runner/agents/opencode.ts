// opencode.

import type { AgentAdapter } from './_adapter.ts'
import { opencodeLike } from './_opencode-like.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('opencode')

export default {
  id: 'opencode',
  title: 'opencode, by its community',
  ...opencodeLike({
    program,
    configVariable: 'OPENCODE_CONFIG_CONTENT',
    env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' },
    protocols: ['openai-chat', 'anthropic-messages', 'openai-responses'],
  }),
  layer,
  drivers: ['process', 'acp'],
  traps: [
    'The base URL must end in `/v1`.',
    'Give the prompt on standard input: as an argument it reaches the model in quotation marks.',
    'It asks for a title beside the first call, with the small model.',
  ],
} satisfies AgentAdapter
