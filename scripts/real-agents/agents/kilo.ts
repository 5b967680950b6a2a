// Kilo Code's command line, a descendant of opencode.

import type { RealAgent } from './_agent.ts'
import { opencodeOverAcp, opencodeVariant } from './_opencode-like.ts'

const names = {
  configVariable: 'KILO_CONFIG_CONTENT',
  env: {
    KILO_DISABLE_AUTOUPDATE: '1',
    KILO_DISABLE_MODELS_FETCH: '1',
    KILO_DISABLE_SESSION_INGEST: '1',
    KILO_TELEMETRY_LEVEL: 'off',
  },
}

export default {
  id: 'kilo',
  title: 'Kilo Code',
  npm: '@kilocode/cli',
  version: '7.7.7',
  program: 'kilo',
  traps: [
    '`enabled_providers` saves ten seconds of attempts to reach its own service in every turn.',
    'Each process needs several seconds to start; over ACP (`kilo acp`) one process serves all turns.',
  ],
  variants: [opencodeVariant('chat', names), opencodeOverAcp('chat', names)],
} as const satisfies RealAgent
