// One process of an agent for many requests: starts it, asks it, and notices when it dies, takes too long or is interrupted. Between requests
// it stands still, so that no verification happens under its eyes. What is said on its pipes is the business of acp.ts and stream-json.ts.

import { cancelGraceMs } from '../../core/limits.ts'
import type { AgentDriver, AgentRequest } from '../agents/_adapter.ts'
import type { RunningCommand } from '../environments/_adapter.ts'
import { type ExecResult, pause, startLimit } from '../processes.ts'
import type { AgentReply, AskOptions, Dialogue, DialoguePlace } from './_driver.ts'

export interface PromptEnd {
  /** As an exit status would be: 0 when the agent has done its work. */
  readonly exit: number
  readonly message: string
}

/** What a protocol knows: how to begin, to ask and to break off. Rejections mean that the agent did not keep to the protocol. */
export interface ServedTalk {
  /** Begins a session, or goes on with one where the agent offers it; the id, and whether it went on. */
  readonly begin: (session: string | null) => Promise<{ readonly session: string | null; readonly resumed: boolean }>
  readonly prompt: (text: string) => Promise<PromptEnd>
  /** Asks the agent to stop; it may not listen. */
  readonly cancel: () => void
  /** What it said since this was last called. */
  readonly takeOutput: () => string
  /** True when no prompt waits for its end. */
  readonly isIdle: () => boolean
  /** The id of the session, once it is known. */
  readonly session: () => string | null
}

export interface ServedProtocol {
  readonly driver: Exclude<AgentDriver, 'process'>
  readonly open: (command: RunningCommand, place: DialoguePlace) => ServedTalk
}

interface Live {
  readonly command: RunningCommand
  readonly talk: ServedTalk
}

type Happened =
  | { readonly kind: 'answered'; readonly end: PromptEnd; readonly lost: string | null }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'ended'; readonly result: ExecResult }
  | { readonly kind: 'late' }

export function openServed(protocol: ServedProtocol, place: DialoguePlace): Dialogue {
  let live: Live | null = null
  let known: string | null = null

  const stop = async (why: 'timed-out' | 'exited'): Promise<void> => {
    const ending = live
    live = null
    await place.environment.thaw?.()
    await ending?.command.end(why)
  }

  const ask = async (request: AgentRequest, options: AskOptions): Promise<AgentReply> => {
    const startedAt = performance.now()
    if (!request.continues) {
      await stop('exited')
      known = null
    }
    await place.environment.thaw?.()
    const isNew = live === null
    const current = live ?? (await start(protocol, place, request.continues ? known : null, options))
    live = current
    const happened = await attend(current, options.timeoutMs, () => converse(current.talk, request, isNew, known))
    const result = await conclude(current, happened, startedAt, () => {
      live = null
    })
    known = current.talk.session() ?? known
    if (live !== null) await rest()
    return { result, session: known, lost: happened.kind === 'answered' ? happened.lost : null }
  }

  /** Where nothing can be made to stand still, the process ends, and another goes on with the session if the agent can. */
  const rest = (): Promise<void> => (place.environment.freeze === undefined ? stop('exited') : place.environment.freeze())

  return { ask, close: () => stop('exited') }
}

async function start(protocol: ServedProtocol, place: DialoguePlace, session: string | null, options: AskOptions): Promise<Live> {
  const { agent, context, environment, signal } = place
  const { argv } = agent.serve?.(protocol.driver, context, session) ?? { argv: [] }
  const command = await environment.spawn(argv, {
    env: agent.env(context),
    timeoutMs: null,
    signal,
    ...(options.user === undefined ? {} : { user: options.user }),
  })
  return { command, talk: protocol.open(command, place) }
}

async function converse(talk: ServedTalk, request: AgentRequest, isNew: boolean, known: string | null): Promise<Happened> {
  let lost: string | null = null
  if (isNew) {
    const wanted = request.continues ? (known ?? request.session) : null
    const { resumed } = await talk.begin(wanted)
    if (request.continues && !resumed) lost = 'its process had ended, and it offers no way to go on with a session'
  }
  return { kind: 'answered', end: await talk.prompt(request.instruction), lost }
}

async function attend(live: Live, timeoutMs: number | null, work: () => Promise<Happened>): Promise<Happened> {
  const done = work().catch((error: unknown): Happened => ({ kind: 'broken', message: describe(error) }))
  const ended = live.command.ended.then((result): Happened => ({ kind: 'ended', result }))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Happened>(resolve => {
    timer = startLimit(timeoutMs, () => resolve({ kind: 'late' }))
  })
  const first = await Promise.race([done, ended, late])
  clearTimeout(timer)
  if (first.kind === 'late') {
    live.talk.cancel()
    // Done on request: then the process is as good as before, and so is the conversation.
    await Promise.race([done, ended, pause(cancelGraceMs)])
  }
  // A pipe that closes is noticed before the end of the process that closed it.
  return first.kind === 'broken' ? Promise.race([ended, pause(500).then(() => first)]) : first
}

async function conclude(live: Live, happened: Happened, startedAt: number, forget: () => void): Promise<ExecResult> {
  const finish = (part: Partial<ExecResult>): ExecResult => ({
    ...{ ended: 'exited', exit: null, stderr: '', startFailure: null, ...part },
    stdout: live.talk.takeOutput(),
    ms: performance.now() - startedAt,
  })
  if (happened.kind === 'answered') return finish({ exit: happened.end.exit, stderr: happened.end.message })
  if (happened.kind === 'ended') {
    forget()
    const { ended, exit, stderr, startFailure, memoryKills } = happened.result
    return finish({
      ended,
      exit,
      stderr: `${stderr}\nthe agent's process ended before it had answered`.trimStart(),
      startFailure,
      ...(memoryKills === undefined ? {} : { memoryKills }),
    })
  }
  if (happened.kind === 'broken') {
    forget()
    await live.command.end('exited')
    return finish({ exit: 1, stderr: happened.message })
  }
  const stopped = live.talk.isIdle()
  if (!stopped) {
    forget()
    await live.command.end('timed-out')
  }
  return finish({ ended: 'timed-out', stderr: stopped ? 'stopped on request' : 'did not stop on request and was ended' })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error)
  const data = 'data' in error ? ` ${JSON.stringify(error.data)}` : ''
  return `${error.message}${data}`
}
