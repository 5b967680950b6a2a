// Our own agent that works through a terminal: it types into tmux and reads the screen. Its program is runner/terminus/main.ts and
// runs as a process of its own inside the environment, with this machine's Node or from a layer; this file only says how to start it.

import { fileURLToPath } from 'node:url'
import { refuseSettings } from '../terminus/settings.ts'
import type { AgentAdapter } from './_adapter.ts'

const compiled = import.meta.url.endsWith('.ts') ? '../../dist/runner/terminus/main.js' : '../terminus/main.js'
const entry = { program: 'turnpike-terminus', file: fileURLToPath(new URL(compiled, import.meta.url)) }

export default {
  id: 'terminus',
  title: 'types into a terminal (tmux) and reads the screen, works with any model',
  protocols: ['anthropic-messages', 'openai-chat', 'openai-responses'],
  needsModel: true,
  hasSettings: true,
  resumes: () => true,
  layer: { id: 'terminus', version: 'own', packages: [], nodeMajor: 24, systemPackages: ['tmux'], entry },
  drivers: ['process'],
  refuse: spec => (spec.model === null ? 'needs a model' : refuseSettings(spec.settings ?? {})),
  files: () => ({}),
  env: context => ({
    TURNPIKE_BASE_URL: context.baseUrls.root,
    TURNPIKE_TOKEN: context.token,
    TURNPIKE_MODEL: context.spec.model ?? '',
    TURNPIKE_TERMINUS: JSON.stringify(context.spec.settings ?? {}),
  }),
  command: (request, { inImage }) => ({
    argv: [...(inImage ? [entry.program] : [process.execPath, entry.file]), '--session', request.session],
    stdin: request.instruction,
  }),
  readSession: () => null,
} satisfies AgentAdapter
