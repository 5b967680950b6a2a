// Any program as an agent, by template. Placeholders in argv, standard input and variables are filled in as whole texts: nothing
// passes a shell, so an instruction can hold any character.

import type { AgentAdapter, AgentContext, AgentRequest } from './_adapter.ts'

export default {
  id: 'command',
  title: 'any program, by a template of its command line',
  protocols: ['anthropic-messages', 'openai-chat'],
  needsModel: false,
  resumes: spec => spec.command?.next !== null && spec.command?.next !== undefined,
  layer: null,
  drivers: ['process'],
  refuse: spec => {
    if (!spec.command?.first[0])
      return 'needs a command: give the argv that starts the program, such as ["my-agent", "-p", "{instruction}"]'
    return null
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
