// Qwen Code, over each of the four protocols it knows. Resumed in a new process it rewrites its history, so one process is the default.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('qwen-code')
const protocols = ['openai-chat', 'anthropic-messages', 'openai-responses', 'gemini'] as const

const settings = {
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, disableAutoUpdate: true },
  telemetry: { enabled: false },
  ui: { enableFollowupSuggestions: false },
  memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
}

const authentications: Readonly<Record<string, string>> = {
  'openai-chat': 'openai',
  'openai-responses': 'openai-responses',
  'anthropic-messages': 'anthropic',
  gemini: 'gemini',
}

const authenticate = ({ spec }: AgentContext): readonly string[] => [
  ...['--auth-type', authentications[chooseProtocol(spec, protocols)] ?? 'openai'],
  ...['--approval-mode', 'yolo'],
]

function nameProvider({ spec, baseUrls, token }: AgentContext): Record<string, string> {
  const model = spec.model ?? ''
  const protocol = chooseProtocol(spec, protocols)
  if (protocol === 'anthropic-messages')
    return { ANTHROPIC_BASE_URL: baseUrls.anthropic, ANTHROPIC_API_KEY: token, ANTHROPIC_MODEL: model }
  if (protocol === 'gemini') return { GOOGLE_GEMINI_BASE_URL: baseUrls.root, GEMINI_API_KEY: token, GEMINI_MODEL: model }
  return { OPENAI_BASE_URL: baseUrls.openai, OPENAI_API_KEY: token, OPENAI_MODEL: model }
}

export default {
  id: 'qwen-code',
  title: 'Qwen Code, by Alibaba',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['acp', 'process'],
  serve: (_, context) => ({ argv: [program, '--acp', ...authenticate(context)] }),
  refuse: needModel,
  files: ({ home }) => ({ [`${home}/.qwen/settings.json`]: JSON.stringify(settings) }),
  env: context => ({ ...nameProvider(context), QWEN_CODE_SUPPRESS_YOLO_WARNING: '1' }),
  command: ({ instruction, session, continues }, context) => ({
    argv: [
      ...[program, ...authenticate(context), '--output-format', 'stream-json'],
      ...[continues ? '--resume' : '--session-id', session],
    ],
    stdin: instruction,
  }),
  readSession: () => null,
  traps: [
    'Needs Node 22 or newer.',
    'The settings switch off side calls that carry the full history: memory extraction, and suggestions after each turn over ACP (a recording may or may not catch the latter, so a replay misses them).',
    'Resumed in a new process it drops the dates from older messages: the history is no longer a prefix of the next.',
    'Over Anthropic it calls itself `claude-cli`: tell agents apart by anything but the user agent.',
  ],
} satisfies AgentAdapter
