// Claude Code.

import type { Place, RealAgent } from './_agent.ts'

const env = (place: Place) => ({
  ANTHROPIC_BASE_URL: place.base,
  ANTHROPIC_API_KEY: place.key,
  IS_SANDBOX: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  DISABLE_TELEMETRY: '1',
  DISABLE_ERROR_REPORTING: '1',
})
const flags = ['--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions']

export default {
  id: 'claude',
  title: 'Claude Code',
  npm: '@anthropic-ai/claude-code',
  version: '2.1.329',
  program: 'claude',
  traps: [
    'As root it refuses to skip permissions unless `IS_SANDBOX=1`.',
    'npm on Node 20 silently installs an older version: name the version.',
  ],
  variants: [
    {
      id: 'anthropic',
      protocol: 'anthropic-messages',
      env,
      drive: {
        kind: 'process',
        turn: (place, prompt, session) => ({
          args: ['-p', prompt, ...(session === null ? ['--session-id', place.uuid] : ['--resume', session]), ...flags],
        }),
      },
    },
    {
      id: 'lines',
      protocol: 'anthropic-messages',
      env,
      drive: {
        kind: 'lines',
        args: () => ['-p', '--input-format', 'stream-json', ...flags],
        line: prompt => JSON.stringify({ type: 'user', message: { role: 'user', content: prompt } }),
        endsTurn: line => line.startsWith('{') && (JSON.parse(line) as { readonly type?: string }).type === 'result',
      },
    },
  ],
} as const satisfies RealAgent
