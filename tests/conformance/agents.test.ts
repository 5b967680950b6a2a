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
  inImage: false,
})
/** No session by name: the last one of a home that belongs to the trial alone, by this word. */
const goesOnWithTheLast: Readonly<Record<string, string>> = {
  cn: '--resume',
  vibe: '--continue',
  openhands: '--last',
  aider: '--restore-chat-history',
}
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

it('keeps programs that ask for prices or open addresses by themselves from doing so', () => {
  for (const id of ['aider', 'mini-swe-agent', 'openhands'])
    expect(findAgent(id).env(context(id))).toMatchObject({ LITELLM_LOCAL_MODEL_COST_MAP: 'True' })
  expect(findAgent('aider').command(request(), context('aider'))?.argv).toContain('--no-detect-urls')
  expect(findAgent('openhands').env(context('openhands'))).toMatchObject({ OPENHANDS_WORK_DIR: '/box/workspace' })
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
    // Alone, or joined to its option by `=`, so that a text that begins with a dash is no option.
    const whole = [...command.argv, command.stdin ?? ''].filter(text => text.replace(/^--?[a-z]+=/, '') === nasty)
    expect(whole).toHaveLength(1)
    expect([...command.argv, command.stdin ?? ''].filter(text => text.includes('line one'))).toEqual(whole)
    expect(command.argv.every(word => typeof word === 'string')).toBe(true)
  })

  it('names the session when it continues one, if it says it can', () => {
    const command = agent.command(request({ continues: true }), where)
    if (!agent.resumes(where.spec) || command === null || agent.protocols.length === 0) return
    if (id in goesOnWithTheLast) expect(command.argv).toContain(goesOnWithTheLast[id])
    else expect(command.argv).toContain('session-1')
  })

  it('can serve by every driver it names, with a program and no shell', () => {
    expect(agent.drivers.length).toBeGreaterThan(0)
    expect(new Set(agent.drivers).size).toBe(agent.drivers.length)
    for (const driver of agent.drivers) {
      if (driver === 'process') continue
      const serve = agent.serve?.(driver, where, null)
      expect(serve?.argv.length).toBeGreaterThan(1)
      expect(serve?.argv.join(' ')).not.toContain('tok-1')
    }
    if (!agent.drivers.includes('process')) expect(agent.command(request(), where)).toBeNull()
  })

  it('has a layer with an exact version, or says that it was not tried', () => {
    if (agent.layer === null) {
      expect(agent.untested !== undefined).toBe(!['command', 'oracle', 'nop'].includes(id))
      return
    }
    expect(agent.layer.id).toBe(id)
    const { entry } = agent.layer
    if (entry !== undefined) {
      // Ours run with this machine's Node, or from the layer and then by its name alone.
      expect(agent.command(request(), where)?.argv.slice(0, 2)).toEqual([process.execPath, entry.file])
      const [first, ...rest] = agent.command(request(), { ...where, inImage: true })?.argv ?? []
      expect([first, rest.some(word => word.startsWith('/'))]).toEqual([entry.program, false])
      return
    }
    expect(agent.layer.packages[0]?.version).toBe(agent.layer.version)
    for (const { version } of agent.layer.packages) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(agent.layer.programs?.length).toBeGreaterThan(0)
    for (const driver of agent.drivers) {
      const argv = driver === 'process' ? agent.command(request(), where)?.argv : agent.serve?.(driver, where, null).argv
      expect(agent.layer.programs).toContain(argv?.[0])
    }
  })

  it('speaks every protocol it names, to the proxy alone', () => {
    for (const protocol of agent.protocols) {
      const there = { ...where, spec: { ...where.spec, protocol } }
      const texts = [...Object.values(agent.env(there)), ...Object.values(agent.files(there))].join('\n')
      expect(texts).toContain('http://h:1/t/tok-1')
      for (const [address] of texts.matchAll(/https?:\/\/[^\s"']+/g)) expect(address).toMatch(/^http:\/\/h:1\/t\/tok-1/)
    }
  })

  it('leads to the proxy and holds no secret but the token of the trial', () => {
    const env = agent.env(where)
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
