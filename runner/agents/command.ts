// Any program as an agent, by template. Placeholders in argv, standard input and variables are filled in as whole texts: nothing
// passes a shell, so an instruction can hold any character.

import type { AgentAdapter, AgentContext, AgentRequest, AgentSpec, CommandTemplate } from './_adapter.ts'
import { chooseDriver } from './_choices.ts'

export default {
  id: 'command',
  title: 'any program, by a template of its command line',
  protocols: ['anthropic-messages', 'openai-chat'],
  needsModel: false,
  // A process that stays holds the conversation by itself.
  resumes: spec => driverOf(spec) !== 'process' || (spec.command?.next ?? null) !== null,
  layer: null,
  drivers: ['process', 'acp', 'stream-json'],
  serve: (_, context, session) => {
    const template = context.spec.command
    if (!template) return { argv: [] }
    const argv = session === null ? template.first : (template.next ?? template.first)
    const texts = { ...nameTexts(context), ...(session === null ? {} : { session }) }
    return { argv: argv.map(word => fill(word, texts)) }
  },
  refuse: spec => {
    if (!spec.command?.first[0])
      return 'needs a command: give the argv that starts the program, such as ["my-agent", "-p", "{instruction}"]'
    const driver = driverOf(spec)
    return driver === 'process' ? null : refuseServed(driver, spec.command)
  },
  files: () => ({}),
  env: context => {
    const texts = nameTexts(context)
    return Object.fromEntries(Object.entries(context.spec.command?.env ?? {}).map(([name, value]) => [name, fill(value, texts)]))
  },
  command: (request, context) => {
    const template = context.spec.command
    if (!template) return null
    const texts = { ...nameTexts(context), ...nameRequest(request) }
    const argv = request.continues ? (template.next ?? template.first) : template.first
    const filled = argv.map(word => fill(word, texts))
    return template.stdin === null ? { argv: filled } : { argv: filled, stdin: fill(template.stdin, texts) }
  },
  readSession: () => null,
} satisfies AgentAdapter

const driverOf = (spec: AgentSpec) => chooseDriver(spec, { drivers: ['process'] })

/** What would be left as it stands, or never be used: silently taken, it would look as if it worked. */
function refuseServed(driver: string, { first, next, stdin }: CommandTemplate): string | null {
  const holds = (argv: readonly string[], word: string): boolean => argv.some(text => text.includes(word))
  if (holds([...first, ...(next ?? [])], '{instruction}'))
    return `gets its instructions on its pipes with the driver ${driver}: take {instruction} out of its command`
  if (stdin !== null) return `has its standard input in use with the driver ${driver}: take stdin out`
  if (holds(first, '{session}'))
    return `names its sessions itself with the driver ${driver}: {session} is known in next alone, take it out of first`
  if (driver === 'acp' && next !== null)
    return 'goes on with a session by session/load with the driver acp, in a process started by first: take next out'
  return null
}

type Texts = Readonly<Record<string, string>>

function nameTexts(context: AgentContext): Texts {
  return {
    workspace: context.workspace,
    home: context.home,
    model: context.spec.model ?? '',
    base_url: context.baseUrls.root,
    base_url_anthropic: context.baseUrls.anthropic,
    base_url_openai: context.baseUrls.openai,
    token: context.token,
  }
}

const nameRequest = (request: AgentRequest): Texts => ({ instruction: request.instruction, session: request.session })

/** Unknown words in braces stay as they are: command lines carry JSON. One pass, so that a filled-in text is never filled again. */
function fill(template: string, texts: Texts): string {
  return template.replace(/\{([a-z_]+)\}/g, (whole, name: string) => texts[name] ?? whole)
}
