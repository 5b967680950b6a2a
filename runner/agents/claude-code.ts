// Claude Code: a process per request that continues by the session's id, or one process that takes lines of JSON.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('claude-code')
const output = ['--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions']
const models = [
  ...['ANTHROPIC_DEFAULT_HAIKU_MODEL', 'ANTHROPIC_DEFAULT_SONNET_MODEL', 'ANTHROPIC_DEFAULT_OPUS_MODEL'],
  'CLAUDE_CODE_SUBAGENT_MODEL',
]
const model = ({ spec }: AgentContext): readonly string[] => (spec.model === null ? [] : ['--model', spec.model])

export default {
  id: 'claude-code',
  title: 'Claude Code, by Anthropic',
  protocols: ['anthropic-messages'],
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['process', 'stream-json'],
  serve: (_, context, session) => ({
    argv: [
      ...[program, '-p', '--input-format', 'stream-json', ...output, ...model(context)],
      ...(session === null ? [] : ['--resume', session]),
    ],
  }),
  refuse: needModel,
  files: () => ({}),
  env: ({ baseUrls, token, spec }) => ({
    ANTHROPIC_BASE_URL: baseUrls.anthropic,
    ANTHROPIC_API_KEY: token,
    // Side work and subagents go to the model that is measured, not to one that the route may not know.
    ...Object.fromEntries(models.map(name => [name, spec.model ?? ''])),
    IS_SANDBOX: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
  }),
  // Without a prompt in its arguments it reads one from standard input: texts that begin with a dash, and long ones, pass.
  command: ({ instruction, session, continues }, context) => ({
    argv: [program, '-p', continues ? '--resume' : '--session-id', session, ...output, ...model(context)],
    stdin: instruction,
  }),
  readSession: stdout => /"session_id":"([0-9a-f-]{36})"/.exec(stdout)?.[1] ?? null,
  traps: [
    'As root it refuses to skip permissions unless `IS_SANDBOX=1`.',
    'npm on Node 20 silently installs an older version: name the version.',
  ],
} satisfies AgentAdapter
