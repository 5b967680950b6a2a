import { describe, expect, it } from 'vitest'
import { readRunRecord, refuseOtherMeasure, writeRunRecord } from '../../cli/run-record.ts'
import { type Config, readConfig } from '../../core/config.ts'
import type { Json, Run } from '../../core/types.ts'

const directory = process.cwd()
const configure = (flags: Record<string, Json>): Config => readConfig({ directory, file: null, environment: {}, flags })
const runOf = (config: Json): Run => ({
  id: '01',
  name: 'first',
  state: 'interrupted',
  config,
  turnpikeVersion: '0',
  simulated: false,
  plannedTurns: 1,
  startedAt: 0,
  endedAt: null,
})

const agent = (env: Record<string, string>): Json => ({
  name: 'command',
  command: { first: ['a', '-p'], next: ['a', '-c'], env },
})

describe('the record of a run', () => {
  it('gives back the configuration it was made of', () => {
    const config = configure({
      'run.tasks': 'tasks.jsonl',
      'run.agents': [agent({ KEY: '{token}' }), { name: 'terminus', model: 'm', settings: { parser: 'xml', max_turns: 7 } }],
      'run.attempts': 3,
      'run.on_failure': 'stop',
      'run.to_turn': 4,
      'simulated.enabled': true,
      'simulated.seed': 9,
    })
    expect(JSON.stringify(config.run.agents)).toContain('"max_turns":7')
    const again = configure(readRunRecord(runOf(writeRunRecord(config))))
    expect({ ...again, store: '', prices: null }).toEqual({ ...config, store: '', prices: null })
  })

  it('holds no secret: credentials in URLs, values of keys, shapes of keys', () => {
    const secret = 'sk-proj-0123456789abcdefghijklmnop'
    const config = configure({
      'proxy.upstream': 'https://user:hunter2secret@example.org/v1',
      'run.agents': [agent({ MY_API_KEY: 'plain-but-named', PLAIN: secret, BASE: '{base_url_openai}' })],
    })
    const text = JSON.stringify(writeRunRecord(config))
    for (const word of ['hunter2secret', 'user:', 'plain-but-named', secret]) expect(text).not.toContain(word)
    expect(text).toContain('https://example.org/v1')
    expect(text).toContain('{base_url_openai}')
  })

  it('refuses to go on with a secret it does not have', () => {
    const record = writeRunRecord(configure({ 'run.agents': [agent({ API_TOKEN: 'x' })] }))
    expect(() => readRunRecord(runOf(record))).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
  })

  it('holds no secret of a command line, and goes on when that is given again', () => {
    const secret = 'sk-proj-0123456789abcdefghijklmnop'
    const command = { first: ['a', secret], next: ['b', secret] }
    const record = writeRunRecord(configure({ 'run.agents': [{ name: 'command', command }], 'run.attempts': 2 }))
    expect(JSON.stringify(record)).not.toContain(secret)
    expect(() => readRunRecord(runOf(record))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('same command after --') }),
    )
    expect(readRunRecord(runOf(record), { argv: true })).toMatchObject({
      'run.attempts': 2,
      'run.agents': [{ name: 'command' }],
    })
  })

  it('refuses to go on by other rules, and lets places and purses change', () => {
    const flags = { 'run.agents': [{ name: 'mini', model: 'm' }], 'run.attempts': 2, 'simulated.enabled': true }
    const run = runOf(writeRunRecord(configure(flags)))
    const refusal = (more: Record<string, Json>) => () => refuseOtherMeasure(run, configure({ ...flags, ...more }))
    expect(refusal({})).not.toThrow()
    expect(refusal({ 'run.concurrency': 9, 'run.tasks': '/elsewhere', 'budget.run.cost_usd': 5 })).not.toThrow()
    expect(refusal({ 'run.attempts': 3, 'run.trials': 2 })).toThrow(/trials was 1, not 2; attempts was 2, not 3/)
    for (const other of [{ 'run.agents': ['oracle'] }, { 'simulated.enabled': false }, { 'run.to_turn': 2 }] as const)
      expect(refusal(other as Record<string, Json>)).toThrow(expect.objectContaining({ code: 'E_USAGE' }))
  })
})
