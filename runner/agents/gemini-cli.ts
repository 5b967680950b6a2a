// Gemini CLI. Resumed in a new process it repeats tool results and loses thought signatures, so one process is the default.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { needModel } from './_choices.ts'
import { layerOf } from './_programs.ts'

const { program, ...layer } = layerOf('gemini-cli')

const settings = {
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, disableAutoUpdate: true },
  telemetry: { enabled: false },
}
const allow = ({ spec }: AgentContext): readonly string[] => ['-y', '--skip-trust', '-m', spec.model ?? '']

export default {
  id: 'gemini-cli',
  title: 'Gemini CLI, by Google',
  protocols: ['gemini'],
  needsModel: true,
  resumes: () => true,
  layer,
  drivers: ['acp', 'process'],
  serve: (_, context) => ({ argv: [program, '--acp', ...allow(context)] }),
  refuse: needModel,
  files: ({ home }) => ({ [`${home}/.gemini/settings.json`]: JSON.stringify(settings) }),
  env: ({ baseUrls, token }) => ({ GOOGLE_GEMINI_BASE_URL: baseUrls.root, GEMINI_API_KEY: token }),
  command: ({ instruction, session, continues }, context) => ({
    argv: [
      ...[program, ...allow(context), '-o', 'stream-json', continues ? '--resume' : '--session-id', session],
      `--prompt=${instruction}`,
    ],
  }),
  readSession: () => null,
  traps: [
    '`security.auth.selectedType` is required.',
    'Without `-m` a router call goes before every turn.',
    'A resumed session repeats tool results and loses thought signatures; over ACP the history is exact.',
  ],
} satisfies AgentAdapter
