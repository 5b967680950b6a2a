// The simulated provider with a script, the program of `terminus` as its adapter starts it, and what went over the wire.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { AgentContext } from '../../../runner/agents/_adapter.ts'
import terminus from '../../../runner/agents/terminus.ts'
import { runGroup } from '../../../runner/processes.ts'
import type { GivenSettings } from '../../../runner/terminus/settings.ts'
import { parseScript } from '../../../scenarios/simulated/script.ts'
import { startSimulated } from '../../../scenarios/simulated/server.ts'
import { atEnd, makeDirectory, never } from '../_sandbox.ts'

export const session = 'aaaaaaaa-0000-4000-8000-000000000001'

export interface Reply {
  readonly commands?: readonly string[]
  readonly complete?: boolean
  readonly duration?: number
  readonly analysis?: string
}

export function writeReply({ commands = [], complete, duration = 0.3, analysis = 'a' }: Reply): string {
  const list = commands.map(keystrokes => ({ keystrokes, duration }))
  return JSON.stringify({ analysis, plan: 'p', commands: list, ...(complete === undefined ? {} : { task_complete: complete }) })
}

/** Answers by what the newest message says: the first rule whose words are in it. */
export async function setUp(rules: ReadonlyArray<readonly [words: string, step: object]>, model = 'claude-test') {
  const script = { version: 1, rules: rules.map(([user, step]) => ({ when: { user }, steps: [step] })) }
  const simulated = await startSimulated({ seed: 1, script: parseScript(JSON.stringify(script), 'test') })
  atEnd(() => simulated.close())
  const seen: string[] = []
  const url = await startWitness(simulated.url, seen)
  const home = makeDirectory()
  const root = `${url}/t/tok-secret-1`
  const say = async (instruction: string, settings: GivenSettings = {}, env: Record<string, string> = {}, signal = never) => {
    const context: AgentContext = {
      spec: { id: 'terminus', model, settings: { retry_wait_sec: 0.05, ...settings } },
      workspace: home,
      home,
      token: 'tok-secret-1',
      baseUrls: { root, anthropic: root, openai: `${root}/v1` },
      inImage: false,
    }
    const command = terminus.command({ instruction, session, continues: false, solution: null }, context)
    const result = await runGroup({
      argv: command.argv,
      stdin: command.stdin,
      cwd: home,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8', TMPDIR: home, ...terminus.env(context), ...env },
      timeoutMs: 60_000,
      signal,
      outputCharsMax: 100_000,
    })
    return { ...result, summary: JSON.parse(result.stdout.trim().split('\n').at(-1) || 'null') as Record<string, unknown> }
  }
  return { seen, home, say, log: join(home, '.turnpike-terminus', `${session}.jsonl`) }
}

/** Passes everything on and keeps the bodies of the requests. */
async function startWitness(target: string, seen: string[]): Promise<string> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts).toString()
    seen.push(body)
    const headers = new Headers({ 'content-type': 'application/json', 'anthropic-version': '2023-06-01' })
    const answer = await fetch(`${target}${request.url}`, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    response.end(await answer.text())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
