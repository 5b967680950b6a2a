// Our own small agent: a tool loop over bash that works with any model behind the proxy. Its program is runner/mini/main.ts and
// runs as a process of its own inside the environment, with this machine's Node or from a layer; this file only says how to start it.

import { fileURLToPath } from 'node:url'
import { writeVariables } from '../agent-program.ts'
import type { AgentAdapter } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'

const compiled = import.meta.url.endsWith('.ts') ? '../../dist/runner/mini/main.js' : '../mini/main.js'
const protocols = ['openai-chat', 'anthropic-messages'] as const
const entry = { program: 'turnpike-mini', file: fileURLToPath(new URL(compiled, import.meta.url)) }

export default {
  id: 'mini',
  title: 'small tool loop over bash, works with any model',
  protocols,
  needsModel: true,
  resumes: () => true,
  layer: { id: 'mini', version: 'own', packages: [], nodeMajor: 24, systemPackages: [], entry },
  drivers: ['process'],
  refuse: needModel,
  files: () => ({}),
  env: context => writeVariables(context, chooseProtocol(context.spec, protocols)),
  command: (request, { inImage }) => ({
    argv: [...(inImage ? [entry.program] : [process.execPath, entry.file]), '--session', request.session],
    stdin: request.instruction,
  }),
  readSession: () => null,
} satisfies AgentAdapter
