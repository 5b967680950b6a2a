// Gemini CLI, a process per turn and over the Agent Client Protocol.

import type { Place, RealAgent } from './_agent.ts'

const settings = {
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, disableAutoUpdate: true },
  telemetry: { enabled: false },
}
const env = (place: Place) => ({ GOOGLE_GEMINI_BASE_URL: place.base, GEMINI_API_KEY: place.key })
const files = () => ({ '.gemini/settings.json': JSON.stringify(settings) })
const model = ['-m', 'gemini-2.5-pro']

export default {
  id: 'gemini',
  title: 'Gemini CLI',
  npm: '@google/gemini-cli',
  version: '0.61.0',
  program: 'gemini',
  traps: [
    '`security.auth.selectedType` is required.',
    'Without `-m` a router call goes before every turn.',
    'A resumed session repeats tool results and loses thought signatures; over ACP the history is exact.',
  ],
  variants: [
    {
      id: 'gemini',
      protocol: 'gemini',
      env,
      files,
      drive: {
        kind: 'process',
        turn: (place, prompt, session) => ({
          args: [
            ...['-y', '--skip-trust', '-o', 'stream-json', ...model],
            ...(session === null ? ['--session-id', place.uuid] : ['--resume', session]),
            ...['-p', prompt],
          ],
        }),
      },
    },
    { id: 'acp', protocol: 'gemini', env, files, drive: { kind: 'acp', args: () => ['--acp', '-y', '--skip-trust', ...model] } },
  ],
} as const satisfies RealAgent
