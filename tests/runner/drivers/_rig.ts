// A dialogue with the small agent of _fake-agent.mjs, in a local environment of its own.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AgentAdapter, AgentDriver, AgentRequest } from '../../../runner/agents/_adapter.ts'
import nop from '../../../runner/agents/nop.ts'
import { openDialogue } from '../../../runner/drivers/_all.ts'
import type { AgentReply } from '../../../runner/drivers/_driver.ts'
import type { Environment } from '../../../runner/environments/_adapter.ts'
import { atEnd, never, openLocal } from '../_sandbox.ts'

export const fakeAgent = fileURLToPath(new URL('_fake-agent.mjs', import.meta.url))

export interface Rig {
  readonly environment: Environment
  readonly ask: (text: string, options?: { readonly continues?: boolean; readonly timeoutMs?: number }) => Promise<AgentReply>
  readonly close: () => Promise<void>
  /** Processes of the agent so far. */
  readonly starts: () => number
}

export interface RigOptions {
  readonly flags?: readonly string[]
  readonly signal?: AbortSignal
  readonly argv?: readonly string[]
  /** Takes from the environment the ability to make processes stand still. */
  readonly restless?: boolean
}

export async function openRig(
  driver: AgentDriver,
  { flags = [], signal = never, argv, restless = false }: RigOptions = {},
): Promise<Rig> {
  const opened = await openLocal()
  const { freeze: _freeze, thaw: _thaw, ...plain } = opened
  const environment = restless ? plain : opened
  const kind = driver === 'acp' ? 'acp' : 'lines'
  const agent: AgentAdapter = {
    ...nop,
    drivers: [driver],
    namesSessions: true,
    serve: (_, __, session) => ({
      argv: argv ?? [
        process.execPath,
        fakeAgent,
        kind,
        ...flags,
        ...(kind === 'lines' && session !== null ? ['--resume', session] : []),
      ],
    }),
    command: ({ instruction, session, continues }: AgentRequest) => ({
      argv: argv ?? [process.execPath, fakeAgent, 'once', instruction, ...(continues ? [session] : [])],
    }),
    readSession: stdout => /"session_id":"(\w+)"/.exec(stdout)?.[1] ?? null,
  }
  const baseUrls = { root: 'http://h', anthropic: 'http://h', openai: 'http://h/v1' }
  const { workspace, home } = opened
  const context = { spec: { id: 'nop', model: null }, workspace, home, token: 't', baseUrls, inImage: false }
  const dialogue = openDialogue({ environment, agent, context, signal })
  atEnd(() => dialogue.close())
  let session = 'given'
  return {
    environment: opened,
    ask: async (instruction, { continues = false, timeoutMs = 20_000 } = {}) => {
      const reply = await dialogue.ask({ instruction, session, continues, solution: null }, { timeoutMs })
      session = reply.session ?? session
      return reply
    },
    close: dialogue.close,
    starts: () => readFileSync(`${opened.home}/started`, 'utf8').trim().split('\n').length,
  }
}
