// Qwen Code, over each of the four protocols it knows.

import type { Place, RealAgent, Variant } from './_agent.ts'

const settings = {
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, disableAutoUpdate: true },
  telemetry: { enabled: false },
  ui: { enableFollowupSuggestions: false },
  memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
}

function variant(authentication: string, protocol: string, env: (place: Place) => Record<string, string>): Variant {
  return {
    id: authentication,
    protocol,
    env: place => ({ ...env(place), QWEN_CODE_SUPPRESS_YOLO_WARNING: '1' }),
    files: () => ({ '.qwen/settings.json': JSON.stringify(settings) }),
    drive: {
      kind: 'process',
      turn: (place, prompt, session) => ({
        args: [
          ...['--auth-type', authentication, '--approval-mode', 'yolo', '--output-format', 'stream-json'],
          ...(session === null ? ['--session-id', place.uuid] : ['--resume', session]),
          prompt,
        ],
      }),
    },
  }
}

const openai = (model: string) => (place: Place) => ({
  OPENAI_BASE_URL: `${place.base}/v1`,
  OPENAI_API_KEY: place.key,
  OPENAI_MODEL: model,
})

export default {
  id: 'qwen',
  title: 'Qwen Code',
  npm: '@qwen-code/qwen-code',
  version: '0.24.4',
  program: 'qwen',
  traps: [
    'Needs Node 22 or newer.',
    'The settings switch off side calls that carry the full history: memory extraction, and suggestions after each turn over ACP (a recording may or may not catch the latter, so a replay misses them).',
    'Over Anthropic it calls itself `claude-cli`: tell agents apart by anything but the user agent.',
  ],
  variants: [
    variant('openai', 'openai-chat', openai('simulated-1')),
    variant('openai-responses', 'openai-responses', openai('gpt-5.2')),
    variant('anthropic', 'anthropic-messages', place => ({
      ANTHROPIC_BASE_URL: place.base,
      ANTHROPIC_API_KEY: place.key,
      ANTHROPIC_MODEL: 'claude-sonnet-4-5',
    })),
    variant('gemini', 'gemini', place => ({
      GOOGLE_GEMINI_BASE_URL: place.base,
      GEMINI_API_KEY: place.key,
      GEMINI_MODEL: 'gemini-2.5-pro',
    })),
    {
      ...variant('openai', 'openai-chat', openai('simulated-1')),
      id: 'acp',
      drive: { kind: 'acp', args: () => ['--acp', '--auth-type', 'openai', '--approval-mode', 'yolo'] },
    },
  ],
} as const satisfies RealAgent
