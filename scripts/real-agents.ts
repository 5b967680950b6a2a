// Drives real agent command lines, two turns of one session each, through the proxy against the simulated provider, and holds three
// copies of every request against each other: what the agent sent, what the upstream got, what the store gives back.
// npx tsx scripts/real-agents.ts --claude BIN --opencode BIN   (install them anywhere; nothing of them is part of the project)
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decodeExchanges } from '../convert/decode.ts'
import { singleUpstream } from '../proxy/routes.ts'
import { startProxy } from '../proxy/server.ts'
import { parseScript } from '../scenarios/simulated/script.ts'
import { startSimulated } from '../scenarios/simulated/server.ts'
import { openStore } from '../store/open.ts'

const script = parseScript(
  `version: 1
rules:
  - when: { user: "hello.txt" }
    steps: [{ text: "I will write it.", shell: "echo hi > hello.txt" }, { text: "Done: hello.txt says hi." }]
  - when: { user: "bye" }
    steps: [{ thinking: "Overwrite it.", shell: "echo bye > hello.txt" }, { text: "Done: hello.txt says bye." }]
`,
  'real-agents.yaml',
)

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** Passes requests on and remembers the hash of each body; streams answers through. */
async function startWitness(target: string) {
  const seen: Array<{ path: string; hash: string; answer: string }> = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (bytes: Buffer) => parts.push(bytes))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      const note = { path: request.url ?? '', hash: sha(body), answer: '' }
      if (request.method === 'POST') seen.push(note)
      const { hostname, port } = new URL(target)
      const outgoing = http.request(
        { hostname, port, method: request.method, path: request.url, headers: request.headers },
        answer => {
          const hash = createHash('sha256')
          answer.on('data', (bytes: Buffer) => hash.update(bytes))
          answer.on('end', () => {
            note.answer = hash.digest('hex').slice(0, 16)
          })
          response.writeHead(answer.statusCode ?? 500, answer.rawHeaders)
          answer.pipe(response)
        },
      )
      outgoing.on('error', () => response.destroy())
      response.on('close', () => outgoing.destroy())
      outgoing.end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close: () => server.closeAllConnections() }
}

interface Invocation {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

function run(invocation: Invocation, cwd: string): Promise<{ code: number | null; stdout: string }> {
  return new Promise(resolve => {
    const [command = '', ...rest] = invocation.argv
    const child = spawn(command, rest, {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, ...invocation.env },
      timeout: 120_000,
    })
    let stdout = ''
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString()
    })
    child.stderr.on('data', () => undefined)
    child.on('close', code => resolve({ code, stdout }))
    child.stdin.end(invocation.stdin)
  })
}

type Agent = (bin: string, base: string, session: string | null, prompt: string, fresh: string) => Invocation

const claude: Agent = (bin, base, session, prompt, fresh) => ({
  argv: [
    bin,
    '-p',
    prompt,
    ...(session === null ? ['--session-id', fresh] : ['--resume', session]),
    '--output-format',
    'stream-json',
    '--verbose',
    '--dangerously-skip-permissions',
  ],
  env: {
    IS_SANDBOX: '1',
    ANTHROPIC_BASE_URL: base,
    ANTHROPIC_API_KEY: 'sk-ant-placeholder-0001',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
  },
  stdin: '',
})

function opencode(provider: 'anthropic' | 'chat'): Agent {
  return (bin, base, session, prompt) => {
    const options = { baseURL: `${base}/v1`, apiKey: 'sk-placeholder-0001' }
    const chat = {
      npm: '@ai-sdk/openai-compatible',
      name: 'Chat',
      options,
      models: { 'simulated-1': { name: 'simulated', limit: { context: 200_000, output: 16_000 } } },
    }
    const model = provider === 'anthropic' ? 'anthropic/claude-sonnet-4-5' : 'chat/simulated-1'
    const config = {
      model,
      small_model: model,
      autoupdate: false,
      share: 'disabled',
      permission: 'allow',
      enabled_providers: [provider],
      provider: provider === 'anthropic' ? { anthropic: { options } } : { chat },
    }
    return {
      argv: [bin, 'run', '--format', 'json', ...(session === null ? [] : ['-s', session])],
      env: {
        OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      },
      stdin: `${prompt}\n`,
    }
  }
}

async function drive(name: string, bin: string, agent: Agent): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-agent-'))
  const workspace = await mkdtemp(join(tmpdir(), 'turnpike-work-'))
  const store = await openStore(directory)
  const simulated = await startSimulated({ seed: 1, script })
  const behind = await startWitness(simulated.url)
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: singleUpstream(behind.url),
    onRecordFailure: 'refuse',
    version: 'real-agents',
  })
  const before = await startWitness(proxy.url)
  const base = `${before.url}/s/${name}`
  const fresh = randomUUID()
  const first = await run(agent(bin, base, null, 'Create hello.txt containing hi.', fresh), workspace)
  const afterFirst = await readFile(join(workspace, 'hello.txt'), 'utf8').catch(() => '(missing)')
  const session = /ses_[A-Za-z0-9]+/.exec(first.stdout)?.[0] ?? fresh
  const second = await run(agent(bin, base, session, 'Now make it say bye.', fresh), workspace)
  const afterSecond = await readFile(join(workspace, 'hello.txt'), 'utf8').catch(() => '(missing)')
  await proxy.drain(2000)
  await decodeExchanges(store, {})
  const exchanges = (await store.exchanges({})).filter(exchange => exchange.method === 'POST')
  const calls = await store.list('calls')
  const wrong: string[] = []
  for (const [index, exchange] of exchanges.entries()) {
    const request = sha((await store.readBody(exchange.id, 'request'))?.bytes ?? Buffer.alloc(0))
    const answer = sha((await store.readBody(exchange.id, 'response'))?.bytes ?? Buffer.alloc(0))
    // Parallel calls may reach the three places in different orders.
    if (!before.seen.some(note => note.hash === request) || !behind.seen.some(note => note.hash === request))
      wrong.push(`request ${index} differs`)
    if (!before.seen.some(note => note.answer === answer) || !behind.seen.some(note => note.answer === answer))
      wrong.push(`answer ${index} differs`)
    if (exchange.outcome !== 'complete') wrong.push(`call ${index} is ${exchange.outcome}`)
  }
  if (before.seen.length !== exchanges.length || behind.seen.length !== exchanges.length)
    wrong.push(`${before.seen.length} sent, ${behind.seen.length} arrived, ${exchanges.length} stored`)
  const withUsage = calls.filter(call => call.usage?.input !== undefined && call.usage?.output !== null).length
  if (calls.length !== exchanges.length || withUsage !== calls.length)
    wrong.push(`${calls.length} decoded, ${withUsage} with usage`)
  if (afterFirst.trim() !== 'hi' || afterSecond.trim() !== 'bye')
    wrong.push(`the file said ${afterFirst.trim()}, then ${afterSecond.trim()}`)
  const sessions = await store.list('sessions')
  if (sessions.length !== 1 || sessions[0]?.name !== name) wrong.push(`sessions: ${sessions.map(found => found.name).join(', ')}`)
  const bad = (await store.verify()).bad.length
  if (bad > 0) wrong.push(`verify: ${bad} bad`)
  const protocols = [...new Set(calls.map(call => call.protocol))].join(', ')
  console.log(
    `${name.padEnd(20)} ${protocols.padEnd(20)} exit ${first.code}, ${second.code}  ${exchanges.length} calls  hi, bye: ${afterFirst.trim()}, ${afterSecond.trim()}  ${wrong.length === 0 ? 'sent = arrived = stored, all decoded with usage, verify clean' : wrong.join('; ')}`,
  )
  await store.close()
  for (const server of [before, behind]) server.close()
  await simulated.close()
  await rm(directory, { recursive: true, force: true })
  await rm(workspace, { recursive: true, force: true })
  return wrong.length === 0
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { claude: { type: 'string' }, opencode: { type: 'string' } } })
  let good = true
  if (values.claude !== undefined) good = (await drive('claude-code', values.claude, claude)) && good
  if (values.opencode !== undefined) {
    good = (await drive('opencode-anthropic', values.opencode, opencode('anthropic'))) && good
    good = (await drive('opencode-chat', values.opencode, opencode('chat'))) && good
  }
  process.exit(good ? 0 : 1)
}

void main()
