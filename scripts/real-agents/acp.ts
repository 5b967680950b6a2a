// One agent process for all turns, over the Agent Client Protocol: JSON-RPC, a message a line, on standard input and output. Allows
// whatever the agent asks to be allowed.

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { killGroup, type Started, start, type TurnResult } from './processes.ts'

interface RpcMessage {
  readonly id?: number | string
  readonly method?: string
  readonly params?: { readonly options?: ReadonlyArray<{ readonly optionId: string; readonly kind: string }> }
  readonly result?: { readonly sessionId?: string; readonly stopReason?: string }
  readonly error?: { readonly message?: string }
}

export interface AcpConversation {
  readonly turn: (prompt: string) => Promise<TurnResult>
  readonly close: () => void
}

export function openAcp(started: Started, timeoutMs: number): AcpConversation {
  const child = start(started)
  const peer = createPeer(child)
  let session: Promise<string> | null = null
  const begin = async (): Promise<string> => {
    await peer.ask('initialize', {
      protocolVersion: 1,
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false } },
    })
    const { sessionId } = await peer.ask('session/new', { cwd: started.cwd, mcpServers: [] })
    if (sessionId === undefined) throw new Error('the agent opened no session')
    return sessionId
  }
  const converse = async (prompt: string): Promise<void> => {
    session ??= begin()
    await peer.ask('session/prompt', { sessionId: await session, prompt: [{ type: 'text', text: prompt }] })
  }
  return {
    turn: async prompt => {
      const startedAt = Date.now()
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<'late'>(resolve => {
        timer = setTimeout(() => resolve('late'), timeoutMs)
      })
      const ended = await Promise.race([converse(prompt).catch((error: unknown) => String(error)), limit])
      clearTimeout(timer)
      if (typeof ended === 'string' && ended !== 'late') peer.say(ended)
      return {
        exit: ended === undefined ? 0 : null,
        timedOut: ended === 'late',
        output: peer.output(),
        ms: Date.now() - startedAt,
      }
    },
    close: () => killGroup(child),
  }
}

function createPeer(child: ChildProcessWithoutNullStreams) {
  const waiting = new Map<
    number,
    { resolve: (result: NonNullable<RpcMessage['result']>) => void; reject: (error: Error) => void }
  >()
  let output = ''
  let rest = ''
  let last = 0
  const send = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const failAll = (why: string): void => {
    for (const { reject } of waiting.values()) reject(new Error(why))
    waiting.clear()
  }
  const take = (message: RpcMessage): void => {
    if (message.method !== undefined) {
      if (message.id !== undefined) send({ id: message.id, ...answerOf(message) })
      return
    }
    const waiter = waiting.get(Number(message.id))
    waiting.delete(Number(message.id))
    if (message.error === undefined) waiter?.resolve(message.result ?? {})
    else waiter?.reject(new Error(JSON.stringify(message.error)))
  }
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    const lines = (rest + bytes.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('{')) take(JSON.parse(line) as RpcMessage)
    }
  })
  child.stderr.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
  child.stdin.on('error', () => undefined)
  child.on('error', error => failAll(String(error)))
  child.on('exit', code => failAll(`the agent ended with ${code}`))
  return {
    output: () => output,
    say: (text: string) => {
      output += text
    },
    ask: (method: string, params: object) =>
      new Promise<NonNullable<RpcMessage['result']>>((resolve, reject) => {
        last += 1
        waiting.set(last, { resolve, reject })
        if (child.exitCode !== null) return failAll(`the agent ended with ${child.exitCode}`)
        send({ id: last, method, params })
      }),
  }
}

function answerOf(message: RpcMessage): object {
  if (message.method !== 'session/request_permission') return { error: { code: -32601, message: 'not offered' } }
  const options = message.params?.options ?? []
  const chosen = options.find(option => option.kind.startsWith('allow')) ?? options[0]
  return {
    result: { outcome: chosen === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: chosen.optionId } },
  }
}
