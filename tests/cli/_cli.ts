// Runs the built command as a person would: a process of its own, in a directory of its own, with nothing of this machine's variables.

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const command = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'cli', 'turnpike.mjs')
const warm = fileURLToPath(new URL('_warm.mjs', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

export interface Place {
  readonly directory: string
  /** In a process of its own, until it ends. */
  readonly run: (args: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<Ended>
  /** The same command in a process that is kept for all that is asked at this place: starting one takes longer than most answers. */
  readonly ask: (args: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<Ended>
  readonly start: (args: readonly string[], environment?: Readonly<Record<string, string>>) => Running
  /** `ask` with --json, read. */
  readonly json: <T = Record<string, never>>(args: readonly string[]) => Promise<T>
  /** Ends what still runs and removes the directory. */
  readonly close: () => Promise<void>
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** The first line of standard output. */
  readonly firstLine: () => Promise<string>
}

/** A command line as its words; none of them holds a space. */
export const words = (line: string): string[] => line.split(' ')

export function openPlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-cli-'))
  const started: Running[] = []
  const variables = { PATH: process.env['PATH'] ?? '', HOME: directory }
  const start: Place['start'] = (args, environment = {}) => {
    const env = { ...variables, ...environment }
    const running = watch(spawn(process.execPath, [command, ...args], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    started.push(running)
    return running
  }
  const run: Place['run'] = (args, environment) => start(args, environment).ended
  let kept: ChildProcess | null = null
  let asked: Promise<unknown> = Promise.resolve()
  const ask: Place['ask'] = (args, environment = {}) => {
    kept ??= fork(warm, [], { cwd: directory, env: variables, execArgv: [], serialization: 'advanced' })
    const answer = askKept(kept, asked, { args, directory, environment: { ...variables, ...environment } })
    asked = answer.catch(() => undefined)
    return answer
  }
  return {
    directory,
    start,
    run,
    ask,
    json: async args => {
      const { stdout, stderr } = await ask([...args, '--json'])
      if (stdout.trim() === '') throw new Error(`no JSON: ${stderr}`)
      return JSON.parse(stdout)
    },
    close: async () => {
      kept?.kill('SIGKILL')
      for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL')
      await Promise.all(started.map(running => running.ended))
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** One question at a time: working directory and variables are the process's. */
async function askKept(kept: ChildProcess, before: Promise<unknown>, question: object): Promise<Ended> {
  await before
  const { code, out, err } = await new Promise<{ code: number; out: Uint8Array; err: Uint8Array }>((resolve, reject) => {
    const fail = (status: number | null): void =>
      reject(new Error(`the kept process ended with ${status}: ${JSON.stringify(question)}`))
    kept.once('exit', fail)
    kept.once('message', answer => {
      kept.off('exit', fail)
      resolve(answer as { code: number; out: Uint8Array; err: Uint8Array })
    })
    kept.send(question, error => error && reject(error))
  })
  const bytes = Buffer.from(out)
  return { code, stdout: bytes.toString(), stderr: Buffer.from(err).toString(), bytes }
}

function watch(child: ChildProcess): Running {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', part => out.push(part))
  child.stderr?.on('data', part => err.push(part))
  const ended = new Promise<Ended>(resolve =>
    child.on('close', code => {
      const bytes = Buffer.concat(out)
      resolve({ code, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes })
    }),
  )
  const firstLine = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const text = Buffer.concat(out).toString()
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
      }
      child.stdout?.on('data', look)
      void ended.then(end => reject(new Error(`it ended first: ${end.stderr}`)))
      look()
    })
  return { child, ended, firstLine }
}

/** The last line of JSON lines: of `run --json` the result. */
export function readLast<T = Record<string, never>>(stdout: string): T {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}

/** Records two small sessions, `hello` (chat) and `second` (Anthropic, streamed), and ends the proxy. */
export async function recordSessions(place: Place): Promise<void> {
  const proxy = place.start(['proxy', '--simulated', '--port', '0'])
  const url = (await proxy.firstLine()).replace('listening ', '')
  const user = (content: string) => ({ role: 'user', content })
  const first = { model: 'sim', messages: [user('First question')] }
  const answer = await post(`${url}/s/hello/v1/chat/completions`, first)
  const reply = (JSON.parse(answer) as { choices: Array<{ message: object }> }).choices[0]?.message
  await post(`${url}/s/hello/v1/chat/completions`, { ...first, messages: [...first.messages, reply, user('Second question')] })
  await post(`${url}/s/second/v1/messages`, { model: 'claude-sim', max_tokens: 99, stream: true, messages: [user('Streamed?')] })
  await fetch(`${url}/s/hello/v1/models`).then(response => response.text())
  proxy.child.kill('SIGTERM')
  await proxy.ended
}

/** Stands for a key the agent brings; must never be found on disk. */
export const agentKey = 'sk-agent-0123456789abcdefghijklmnop'

async function post(url: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${agentKey}` }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return response.text()
}
