// A small agent for tests of drivers: `acp` speaks the Agent Client Protocol, `lines` takes lines of JSON, `once` answers one request and ends.
// What it does stands in the request. Its conversations lie in $HOME, so that another process can go on with them.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [kind, ...flags] = process.argv.slice(2)
const file = id => `${process.env.HOME}/${id}.json`
const send = message => process.stdout.write(`${JSON.stringify(message)}\n`)
let session = null
let history = []
let cancelled = null

appendFileSync(`${process.env.HOME}/started`, `${process.pid}\n`)

function open(id, resumes) {
  session = id
  history = resumes ? JSON.parse(readFileSync(file(id), 'utf8')) : []
}

async function work(text, say, allow) {
  history.push(text)
  writeFileSync(file(session), JSON.stringify(history))
  if (text === 'die') process.exit(3)
  if (text === 'garbage') process.stdout.write('Loading…\n{"not json\n[1,2]\n\n{"jsonrpc":"2.0","id":999,"result":{}}\nnull\n')
  if (text === 'hang') await new Promise(resolve => (cancelled = resolve))
  if (text === 'stubborn') await new Promise(() => setInterval(() => undefined, 1000))
  if (text === 'write') writeFileSync('made.txt', await allow())
  if (text === 'tick')
    spawn('sh', ['-c', 'while :; do echo x >> ticks; sleep 0.02; done'], { stdio: 'ignore', detached: true }).unref()
  say(`heard: ${history.join(', ')}`)
}

let waiting = null
async function acp(message) {
  const { id, method, params } = message
  if (method === undefined) return waiting?.(message.result)
  const answer = result => send({ jsonrpc: '2.0', id, result })
  if (method === 'initialize') {
    if (flags.includes('mute')) return
    return answer({ protocolVersion: 1, agentCapabilities: { loadSession: flags.includes('load') }, authMethods: [] })
  }
  if (method === 'session/new') {
    open(`s${process.pid}`, false)
    return answer({ sessionId: session })
  }
  if (method === 'session/load') {
    if (!existsSync(file(params.sessionId)))
      return send({ jsonrpc: '2.0', id, error: { code: -32002, message: 'no such session' } })
    open(params.sessionId, true)
    update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'OLD WORDS' } })
    return answer({})
  }
  if (method === 'session/cancel') return cancelled?.()
  if (method !== 'session/prompt') return
  const [{ text }] = params.prompt
  if (text === 'fail') return send({ jsonrpc: '2.0', id, error: { code: -32603, message: 'the provider said 500' } })
  const wasHanging = text === 'hang'
  await work(
    text,
    words => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: words } }),
    async () => {
      const options = [
        { optionId: 'no', name: 'No', kind: 'reject_once' },
        { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
      ]
      const toolCall = { toolCallId: 't1', title: 'write made.txt' }
      send({ jsonrpc: '2.0', id: 'p1', method: 'session/request_permission', params: { sessionId: session, toolCall, options } })
      const { outcome } = await new Promise(resolve => (waiting = resolve))
      return outcome.optionId
    },
  )
  answer({ stopReason: wasHanging ? 'cancelled' : 'end_turn' })
}
const update = content => send({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: session, update: content } })

async function lines(message) {
  if (message.type === 'control_request') return cancelled?.()
  if (session === null) open(flags[1] ?? `s${process.pid}`, flags[0] === '--resume')
  const text = message.message.content
  if (text === 'fail') return send({ type: 'result', subtype: 'success', is_error: true, session_id: session })
  await work(
    text,
    words => send({ type: 'assistant', session_id: session, text: words }),
    async () => 'yes',
  )
  send({ type: 'result', is_error: false, session_id: session })
}

if (kind === 'once') {
  const [text, id] = flags
  if (text === 'silent') await new Promise(() => setInterval(() => undefined, 1000))
  open(id ?? `s${process.pid}`, id !== undefined)
  send({ session_id: session })
  await work(
    text,
    words => send({ text: words }),
    async () => 'yes',
  )
} else {
  const take = kind === 'acp' ? acp : lines
  createInterface({ input: process.stdin }).on('line', line => void take(JSON.parse(line)))
}
