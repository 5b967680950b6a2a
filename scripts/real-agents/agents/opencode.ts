// opencode.

import type { RealAgent } from './_agent.ts'
import { opencodeOverAcp, opencodeVariant } from './_opencode-like.ts'

const names = {
  configVariable: 'OPENCODE_CONFIG_CONTENT',
  env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' },
}

export default {
  id: 'opencode',
  title: 'opencode',
  npm: 'opencode-ai',
  version: '1.18.33',
  program: 'opencode',
  traps: [
    'The base URL must end in `/v1`.',
    'Give the prompt on standard input: as an argument it reaches the model in quotation marks.',
    'It asks for a title beside the first call, with the small model.',
  ],
  variants: [
    opencodeVariant('anthropic', names),
    opencodeVariant('chat', names),
    opencodeVariant('responses', names),
    opencodeOverAcp('anthropic', names),
  ],
} as const satisfies RealAgent
