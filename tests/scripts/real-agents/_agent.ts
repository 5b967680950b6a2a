// A small agent of our own, installed like a real one: a program that keeps its conversation in its home directory and works with one tool.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RealAgent } from '../../../scripts/real-agents/agents/_agent.ts'
import { programOf } from '../../../scripts/real-agents/conversation.ts'
import type { Subject } from '../../../scripts/real-agents/record.ts'

const program = `#!/usr/bin/env node
const { execSync } = require('node:child_process')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const [prompt, mood] = process.argv.slice(2)
const memory = process.env.HOME + '/memory.json'
const messages = existsSync(memory) ? JSON.parse(readFileSync(memory, 'utf8')) : [{ role: 'system', content: 'You work in ' + process.cwd() }]
const parameters = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] }
const tools = [{ type: 'function', function: { name: 'bash', description: 'Runs a command.', parameters } }]
async function main() {
  messages.push({ role: 'user', content: prompt })
  for (;;) {
    const body = JSON.stringify({ model: 'simulated-1', messages, tools, stream: true, stream_options: { include_usage: mood !== 'frugal' } })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + process.env.KEY, 'x-session-id': 'own-1' }
    const answer = await fetch(process.env.BASE + '/v1/chat/completions', { method: 'POST', headers, body })
    if (!answer.ok) throw new Error(await answer.text())
    const events = (await answer.text()).split('\\n').filter(line => line.startsWith('data: {')).map(line => JSON.parse(line.slice(6)))
    const deltas = events.flatMap(event => (event.choices[0] ? [event.choices[0].delta] : []))
    const parts = deltas.flatMap(delta => delta.tool_calls ?? [])
    const content = deltas.map(delta => delta.content ?? '').join('')
    const call = parts[0] && { id: parts[0].id, type: 'function', function: { name: parts[0].function.name, arguments: parts.map(part => part.function.arguments ?? '').join('') } }
    messages.push({ role: 'assistant', content, ...(call ? { tool_calls: [call] } : {}) })
    if (!call) break
    const output = mood === 'idle' ? 'no' : execSync(JSON.parse(call.function.arguments).command, { encoding: 'utf8' })
    messages.push({ role: 'tool', tool_call_id: call.id, content: output })
  }
  writeFileSync(memory, JSON.stringify(messages))
}
if (mood === 'stuck') setInterval(() => {}, 1000)
else main()
`

export type Mood = 'well' | 'idle' | 'frugal' | 'stuck'

export function installAgent(installed: string, mood: Mood): Subject {
  const agent = {
    id: 'small',
    title: 'Small',
    npm: 'small',
    version: '1.0.0',
    program: 'small',
    traps: [],
    variants: [
      {
        id: 'chat',
        protocol: 'openai-chat',
        env: place => ({ BASE: place.base, KEY: place.key }),
        drive: { kind: 'process', turn: (_, prompt) => ({ args: [prompt, mood] }) },
      },
    ],
  } as const satisfies RealAgent
  const path = programOf(agent, installed)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, program)
  chmodSync(path, 0o755)
  const folder = join(installed, agent.id, 'node_modules', agent.npm)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: agent.npm, version: '1.0.1' }))
  return { agent, variant: agent.variants[0], installed, timeoutMs: mood === 'stuck' ? 1500 : 30_000, keep: false, named: true }
}
