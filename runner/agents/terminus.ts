// Our own agent that works through a terminal: it types into tmux and reads the screen. Its program is runner/terminus/main.ts and
// runs as a process of its own inside the environment, with this machine's Node or from a layer; this file only says how to start it.

import { fileURLToPath } from 'node:url'
import { writeVariables } from '../agent-program.ts'
import { protocols, readSettings, refuseSettings } from '../terminus/settings.ts'
import type { AgentAdapter, AgentSpec } from './_adapter.ts'
import { chooseProtocol, needModel } from './_choices.ts'

const compiled = import.meta.url.endsWith('.ts') ? '../../dist/runner/terminus/main.js' : '../terminus/main.js'
const entry = { program: 'turnpike-terminus', file: fileURLToPath(new URL(compiled, import.meta.url)) }

/** Spoken without being asked to: Responses only when it is asked for. */
const usual = ['openai-chat', 'anthropic-messages']

function findProtocol(spec: AgentSpec): string {
  const { protocol } = readSettings(spec.settings ?? {})
  return protocol === 'auto' ? chooseProtocol(spec, usual) : protocol
}

function refuse(spec: AgentSpec): string | null {
  const complaint = needModel(spec) ?? refuseSettings(spec.settings ?? {})
  if (complaint !== null || spec.protocol === undefined || findProtocol(spec) === spec.protocol) return complaint
  return `is asked for two protocols, ${spec.protocol} and in its settings ${findProtocol(spec)}; leave one out`
}

export default {
  id: 'terminus',
  title: 'types into a terminal (tmux) and reads the screen, works with any model',
  protocols,
  needsModel: true,
  hasSettings: true,
  resumes: () => true,
  layer: { id: 'terminus', version: 'own', packages: [], nodeMajor: 24, systemPackages: ['tmux'], entry },
  drivers: ['process'],
  refuse,
  files: () => ({}),
  env: context => ({
    ...writeVariables(context, findProtocol(context.spec)),
    TURNPIKE_TERMINUS: JSON.stringify(context.spec.settings ?? {}),
  }),
  command: (request, { inImage }) => ({
    argv: [...(inImage ? [entry.program] : [process.execPath, entry.file]), '--session', request.session],
    stdin: request.instruction,
  }),
  readSession: () => null,
} satisfies AgentAdapter
