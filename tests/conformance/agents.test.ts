// Every agent keeps the same promises; the command lines of real programs will have to pass the same list.
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { AgentContext, AgentRequest, AgentSpec } from '../../runner/agents/_adapter.ts'
import { agents, findAgent } from '../../runner/agents/_all.ts'

const specs: Readonly<Record<string, AgentSpec>> = {
  command: {
    id: 'command',
    model: 'a model',
    command: {
      first: ['prog', '-p', '{instruction}', '{session}', '{model}'],
      next: ['prog', '-c', '{instruction}', '{session}'],
      stdin: null,
      env: { URL: '{base_url_anthropic}', KEY: '{token}' },
    },
  },
}
const context = (id: string): AgentContext => ({
  spec: specs[id] ?? { id, model: 'a model' },
  workspace: '/box/workspace',
  home: '/box/home',
  token: 'tok-1',
  baseUrls: { root: 'http://h:1/t/tok-1', anthropic: 'http://h:1/t/tok-1', openai: 'http://h:1/t/tok-1/v1' },
})
const nasty = 'line one\n$(rm -rf /) `x` "quoted" \'single\' {token} {session} %s \\ ü\u0001'
const request = (change: Partial<AgentRequest> = {}): AgentRequest => ({
  instruction: nasty,
  session: 'session-1',
  continues: false,
  solution: ['solve', 'it'],
  ...change,
})

it('lists every file of the folder under its own name', () => {
  const files = readdirSync('runner/agents').filter(name => !name.startsWith('_'))
  expect(agents.map(agent => `${agent.id}.ts`).sort()).toEqual(files.sort())
})

it('answers an unknown name with the known ones and the nearest', () => {
  expect(() => findAgent('orakle')).toThrow(/unknown agent "orakle"; known agents: .*mini.*; did you mean "oracle"\?/)
  expect(() => findAgent('')).toThrow(/unknown agent/)
})

describe.each(agents.map(agent => [agent.id, agent] as const))('agent %s', (id, agent) => {
  const where = context(id)
  it('is pure: the same answers twice, and titles a person can read', () => {
    expect(agent.title.length).toBeGreaterThan(10)
    for (const continues of [false, true])
      expect(agent.command(request({ continues }), where)).toEqual(agent.command(request({ continues }), where))
    expect(agent.env(where)).toEqual(agent.env(where))
  })

  it('passes the instruction whole, through no shell', () => {
    const command = agent.command(request(), where)
    if (command === null || id === 'oracle') return
    expect([...command.argv, command.stdin].filter(text => text === nasty)).toHaveLength(1)
    expect(command.argv.every(word => typeof word === 'string')).toBe(true)
  })

  it('names the session when it continues one, if it says it can', () => {
    const command = agent.command(request({ continues: true }), where)
    if (!agent.resumes(where.spec) || command === null || agent.protocols.length === 0) return
    expect(command.argv).toContain('session-1')
  })

  it('leads to the proxy and holds no secret but the token of the trial', () => {
    const env = agent.env(where)
    if (agent.protocols.length > 0) expect(Object.values(env).some(value => value.startsWith('http://h:1/t/tok-1'))).toBe(true)
    for (const name of Object.keys(env)) expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/)
    const argv = agent.command(request({ instruction: 'x' }), where)?.argv ?? []
    // Command lines can be read by every process of the machine.
    expect(argv.join(' ')).not.toContain('tok-1')
  })

  it('writes only below home and workspace', () => {
    for (const path of Object.keys(agent.files(where))) expect(path).toMatch(/^\/box\/(home|workspace)\/./)
  })

  it('says beforehand what it cannot work with', () => {
    expect(agent.refuse(where.spec)).toBeNull()
    const bare = { id, model: null }
    if (agent.needsModel || id === 'command') expect(agent.refuse(bare)).toMatch(/^needs a /)
    else expect(agent.refuse(bare)).toBeNull()
  })

  it('survives any output when it looks for a session id', () => {
    for (const text of ['', '{"session_id":7}', '\u0000', '{'.repeat(1_000)])
      expect([null, 'string']).toContain(agent.readSession(text) === null ? null : typeof agent.readSession(text))
  })
})
