// Kilo Code's command line, a descendant of opencode.

import type { AgentAdapter } from './_adapter.ts'
import { opencodeLike } from './_opencode-like.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('kilo')

export default {
  id: 'kilo',
  title: 'Kilo Code, a descendant of opencode',
  ...opencodeLike({
    program,
    configVariable: 'KILO_CONFIG_CONTENT',
    env: {
      KILO_DISABLE_AUTOUPDATE: '1',
      KILO_DISABLE_MODELS_FETCH: '1',
      KILO_DISABLE_SESSION_INGEST: '1',
      KILO_TELEMETRY_LEVEL: 'off',
    },
    protocols: ['openai-chat', 'anthropic-messages', 'openai-responses'],
  }),
  layer,
  // A process of its own takes many seconds to start.
  drivers: ['acp', 'process'],
  traps: [
    '`enabled_providers` saves ten seconds of attempts to reach its own service in every turn.',
    'Each process needs several seconds to start; over ACP (`kilo acp`) one process serves all turns.',
  ],
} satisfies AgentAdapter
