import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Config, type ConfigSources, readConfig } from '../../core/config.ts'
import { isTurnpikeError } from '../../core/errors.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'turnpike-config-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function read(sources: Partial<ConfigSources> = {}): Config {
  return readConfig({ directory, file: null, environment: {}, flags: {}, ...sources })
}

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function refusal(sources: Partial<ConfigSources>): string {
  try {
    read(sources)
  } catch (error) {
    if (isTurnpikeError(error)) return `${error.code} ${error.message.replaceAll(directory, 'DIR')}`
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(read()).toMatchObject({
      store: join(directory, '.turnpike'),
      prices: null,
      proxy: { host: '127.0.0.1', port: 4000, models: null, upstream: null, onRecordFailure: 'refuse' },
      simulated: { enabled: false, script: null, seed: 1 },
      run: { tasks: null, agents: [], trials: 1, attempts: 1, feedback: 'medium', onFailure: 'continue', freshSession: false },
      file: null,
    })
  })

  it('takes flags over environment over file over defaults', () => {
    write('turnpike.yaml', 'run:\n  trials: 2\n  attempts: 2\n  concurrency: 2\n')
    const environment = { TURNPIKE_RUN_ATTEMPTS: '3', TURNPIKE_RUN_CONCURRENCY: '3' }
    const { run } = read({ environment, flags: { 'run.concurrency': '4' } })
    expect([run.fromTurn, run.trials, run.attempts, run.concurrency]).toEqual([null, 2, 3, 4])
  })

  it('reads turnpike.yaml when it is there, and another file when one is named', () => {
    write('turnpike.yaml', 'store: implied\n')
    write('other.yaml', 'store: named\n')
    expect(read()).toMatchObject({ store: join(directory, 'implied'), file: join(directory, 'turnpike.yaml') })
    expect(read({ file: 'other.yaml' })).toMatchObject({ store: join(directory, 'named') })
  })

  it('starts relative paths of a file at the file, those of flags and environment at the current directory', () => {
    mkdirSync(join(directory, 'configs'))
    write('configs/quick.yaml', 'run: { tasks: tasks.jsonl }\nsimulated: { script: ../script.yaml }\n')
    const environment = { TURNPIKE_STORE: 'ledger' }
    const config = read({ file: 'configs/quick.yaml', environment, flags: { 'proxy.models': 'models.yaml', prices: '/p.yaml' } })
    expect(config.run.tasks).toBe(join(directory, 'configs', 'tasks.jsonl'))
    expect(config.simulated.script).toBe(join(directory, 'script.yaml'))
    expect(config.store).toBe(join(directory, 'ledger'))
    expect(config.proxy.models).toBe(join(directory, 'models.yaml'))
    expect(config.prices).toBe('/p.yaml')
  })

  it('accepts an empty file and sections whose keys are all commented out', () => {
    write('turnpike.yaml', '# nothing yet\n')
    expect(read().run.trials).toBe(1)
    write('turnpike.yaml', 'run:\n  # trials: 3\nproxy:\n')
    expect(read().run.trials).toBe(1)
  })

  it('is frozen all the way down', () => {
    const config = read({ flags: { 'run.agents': ['mini'] } })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.run.agents[0])).toBe(true)
    expect(() => Object.assign(config.run, { trials: 9 })).toThrow(TypeError)
  })

  it('treats an empty variable as one that is not set', () => {
    expect(read({ environment: { TURNPIKE_STORE: '' } }).store).toBe(join(directory, '.turnpike'))
  })

  it.each([
    ['true', true],
    ['1', true],
    ['YES', true],
    ['false', false],
    ['0', false],
  ])('reads a switch from a variable: %s', (text, expected) => {
    expect(read({ environment: { TURNPIKE_SIMULATED_ENABLED: text } }).simulated.enabled).toBe(expected)
  })
})

describe('agents', () => {
  it('are names or mappings, and the run gives a model to those without one', () => {
    write(
      'turnpike.yaml',
      'run:\n  model: m1\n  agents:\n    - mini\n    - { name: command, model: m2, command: [my-agent, "{instruction}"] }\n',
    )
    expect(read().run.agents).toEqual([
      { name: 'mini', model: 'm1', command: null },
      { name: 'command', model: 'm2', command: { first: ['my-agent', '{instruction}'], next: null, stdin: null, env: {} } },
    ])
  })

  it('of the kind command can say how they continue, what they read and what they see', () => {
    write(
      'turnpike.yaml',
      'run:\n  agents:\n    - name: command\n      command:\n        first: [a, -p]\n        next: [a, -c]\n        stdin: "{instruction}"\n        env: { KEY: "{token}" }\n',
    )
    const command = { first: ['a', '-p'], next: ['a', '-c'], stdin: '{instruction}', env: { KEY: '{token}' } }
    expect(read().run.agents).toEqual([{ name: 'command', model: null, command }])
    write('turnpike.yaml', 'run:\n  agents:\n    - name: command\n      command:\n        frist: [a, -p]\n')
    expect(refusal({})).toContain('unknown key "frist" in run.agents[0].command; did you mean "first"?')
  })

  it('of a recorded run outrank file and variables, and yield to flags, their model too', () => {
    write('turnpike.yaml', 'run:\n  attempts: 9\n  trials: 9\n')
    const base = { 'run.agents': [{ name: 'mini', model: 'recorded' }], 'run.attempts': 2, 'run.trials': 2 }
    const flags = { 'run.model': 'asked-for', 'run.trials': '3' }
    const config = readConfig({ directory, file: null, environment: { TURNPIKE_RUN_ATTEMPTS: '8' }, base, flags })
    expect(config.run).toMatchObject({ agents: [{ name: 'mini', model: 'asked-for' }], attempts: 2, trials: 3 })
  })

  it('yield to a model that comes from nearer than they do', () => {
    write('turnpike.yaml', 'run:\n  agents: [{ name: mini, model: from-file }]\n')
    expect(read({ flags: { 'run.model': 'from-flag' } }).run.agents[0]?.model).toBe('from-flag')
    expect(read({ environment: { TURNPIKE_RUN_MODEL: 'from-variable' } }).run.agents[0]?.model).toBe('from-variable')
  })

  it('are separated by commas in a variable', () => {
    expect(read({ environment: { TURNPIKE_RUN_AGENTS: 'mini, oracle' } }).run.agents.map(agent => agent.name)).toEqual([
      'mini',
      'oracle',
    ])
  })
})

describe('a mistake', () => {
  it.each([
    ['rnu:\n  trials: 1\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:1:1: unknown key "rnu"; did you mean "run"?'],
    ['run:\n  trails: 1\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:2:3: unknown key "trails" in run; did you mean "trials"?'],
    ['run:\n  trials: many\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:2:11: "run.trials" must be a whole number, not "many"'],
    ['run:\n  trials: 0\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:2:11: "run.trials" must be >= 1, not 0'],
    ['proxy:\n  port: 70000\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:2:9: "proxy.port" must be <= 65535, not 70000'],
    [
      'simulated:\n  enabled: yes please\n',
      'E_CONFIG_INVALID DIR/turnpike.yaml:2:12: "simulated.enabled" must be true or false, not "yes please"',
    ],
    [
      'run:\n  agents:\n    - { nmae: mini }\n',
      'E_CONFIG_INVALID DIR/turnpike.yaml:3:7: missing key "run.agents[0].name"; also DIR/turnpike.yaml:3:9: unknown key "nmae" in run.agents[0]; did you mean "name"?',
    ],
    ['run: 7\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:1:6: "run" must be a mapping of keys or null, not 7'],
    ['- a list\n', 'E_CONFIG_INVALID DIR/turnpike.yaml:1:1: it must be a mapping of keys or null, not a list'],
  ])('in the file is named with line and column: %j', (text, expected) => {
    write('turnpike.yaml', text)
    expect(refusal({})).toBe(expected)
  })

  it.each([
    [{ TURNPIKE_RUN_TRIALS: 'three' }, 'E_CONFIG_INVALID "TURNPIKE_RUN_TRIALS" must be a whole number, not "three"'],
    [
      { TURNPIKE_RUN_FEEDBACK: 'lots' },
      'E_CONFIG_INVALID "TURNPIKE_RUN_FEEDBACK" must be "none", "minimal", "medium", "detailed", not "lots"',
    ],
    [{ TURNPIKE_STOER: 'x' }, 'E_CONFIG_INVALID unknown variable TURNPIKE_STOER; did you mean "TURNPIKE_STORE"?'],
    [
      { TURNPIKE_PROXY_UPSTREAM: 'example.org' },
      'E_CONFIG_INVALID "TURNPIKE_PROXY_UPSTREAM" must match ^https?://, which "example.org" does not',
    ],
  ])('in a variable is named: %j', (environment, expected) => {
    expect(refusal({ environment })).toBe(expected)
  })

  it.each([
    [{ 'run.trials': 'three' }, 'E_USAGE "--trials" must be a whole number, not "three"'],
    [{ 'run.trials': '-1' }, 'E_USAGE "--trials" must be >= 1, not -1'],
    [
      { 'run.on_failure': 'contine' },
      'E_USAGE "--on-failure" must be "continue", "stop", "reset-to-reference", "rollback", not "contine"; did you mean "continue"?',
    ],
  ])('in a flag is named: %j', (flags, expected) => {
    expect(refusal({ flags })).toBe(expected)
  })

  it('in the name of the file is said as such', () => {
    expect(refusal({ file: 'nowhere.yaml' })).toBe('E_FILE_UNREADABLE cannot read the configuration DIR/nowhere.yaml')
  })

  it('is not seen in the variables that Turnpike or the user give to agents', () => {
    const environment = {
      TURNPIKE_TOKEN: 'tpk_x',
      TURNPIKE_BASE_URL: 'http://127.0.0.1:1',
      TURNPIKE_MY_PROVIDER_KEY: 'k',
      TURNPIKE_MODEL: 'm',
    }
    expect(read({ environment }).run.agents).toEqual([])
  })
})

describe('budgets', () => {
  it('are read three levels deep, and 0 switches a default off', () => {
    const directory = mkdtempSync(join(tmpdir(), 'turnpike-config-'))
    writeFileSync(join(directory, 'turnpike.yaml'), 'budget:\n  trial: { calls: 0, cost_usd: 1.5 }\n  run:\n    tokens: 7\n')
    const read = (flags = {}, environment = {}) => readConfig({ directory, file: null, environment, flags }).budget
    expect(read()).toMatchObject({
      trial: { calls: null, costUsd: 1.5, tokens: null, wallMs: null },
      run: { tokens: 7, calls: null },
      session: { calls: null },
    })
    expect(read({ 'budget.trial.calls': '12' }, { TURNPIKE_BUDGET_RUN_COST_USD: '0.25' })).toMatchObject({
      trial: { calls: 12 },
      run: { costUsd: 0.25 },
    })
    expect(() => read({ 'budget.trial.cost_usd': 'much' })).toThrow(/--max-trial-cost-usd/)
    expect(readConfig({ directory: tmpdir(), file: null, environment: {}, flags: {} }).budget.trial.calls).toBe(3000)
    rmSync(directory, { recursive: true })
  })

  it('leave a file of faults where the configuration names it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'turnpike-config-'))
    writeFileSync(join(directory, 'turnpike.yaml'), 'proxy: { inject: "@faults.yaml" }\n')
    expect(readConfig({ directory, file: null, environment: {}, flags: {} }).proxy.inject).toBe(
      `@${join(directory, 'faults.yaml')}`,
    )
    rmSync(directory, { recursive: true })
  })
})
