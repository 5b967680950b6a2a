// opencode and its descendants: one configuration schema, one command line; only names of variables and programs differ.

import type { AgentAdapter, AgentContext } from './_adapter.ts'
import { chooseProtocol, contextTokens, needModel, outputTokens } from './_choices.ts'

interface OpencodeNames {
  readonly program: string
  readonly configVariable: string
  readonly env: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
}

/** Providers it brings itself keep what they know of their models; any other model is one of ours, over Chat Completions. */
const providerOf: Readonly<Record<string, string>> = { 'anthropic-messages': 'anthropic', 'openai-responses': 'openai' }

function configure({ spec, baseUrls, token }: AgentContext, protocols: readonly string[]): string {
  const model = spec.model ?? ''
  const provider = providerOf[chooseProtocol(spec, protocols)]
  const options = { baseURL: baseUrls.openai, apiKey: token }
  const limit = { context: contextTokens, output: outputTokens }
  const entry =
    provider === undefined
      ? { npm: '@ai-sdk/openai-compatible', name: 'Recorded', options, models: { [model]: { name: model, limit } } }
      : { options, models: { [model]: {} } }
  const name = provider ?? 'recorded'
  return JSON.stringify({
    model: `${name}/${model}`,
    small_model: `${name}/${model}`,
    autoupdate: false,
    share: 'disabled',
    permission: 'allow',
    enabled_providers: [name],
    provider: { [name]: entry },
  })
}

/** What opencode and kilo have in common; the whole configuration travels in a variable. */
export function opencodeLike({ program, configVariable, env, protocols }: OpencodeNames) {
  return {
    protocols,
    needsModel: true,
    resumes: () => true,
    serve: () => ({ argv: [program, 'acp'] }),
    refuse: needModel,
    files: () => ({}),
    env: context => ({ [configVariable]: configure(context, protocols), ...env }),
    // A prompt with spaces given as an argument reaches the model in quotation marks.
    command: ({ instruction, session, continues }) => ({
      argv: [program, 'run', '--format', 'json', ...(continues ? ['-s', session] : [])],
      stdin: instruction,
    }),
    namesSessions: true,
    readSession: stdout => /"sessionID":"(ses_[A-Za-z0-9]+)"/.exec(stdout)?.[1] ?? null,
  } satisfies Partial<AgentAdapter>
}
