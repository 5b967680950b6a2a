import { expect, it } from 'vitest'
import type { AgentSpec } from '../../../runner/agents/_adapter.ts'
import { agents, findAgent } from '../../../runner/agents/_all.ts'
import { chooseDriver, chooseProtocol, hasVersions, refuseChoice } from '../../../runner/agents/_choices.ts'
import { layerOf, pinLayer } from '../../../runner/agents/_programs.ts'

const all = ['openai-chat', 'anthropic-messages', 'openai-responses', 'gemini']

it.each([
  ['claude-sonnet-4-5', 'anthropic-messages'],
  ['vendor/claude-x', 'anthropic-messages'],
  ['gemini-2.5-pro', 'gemini'],
  ['gpt-5.2', 'openai-responses'],
  ['openai/o3', 'openai-responses'],
  ['gpt-4o', 'openai-chat'],
  ['qwen3-coder', 'openai-chat'],
])('speaks to %s over %s', (model, protocol) => {
  expect(chooseProtocol({ id: 'x', model }, all)).toBe(protocol)
})

it('takes its first protocol where the model is at home in none of its own, and the one asked for above all', () => {
  expect(chooseProtocol({ id: 'x', model: 'gemini-2.5-pro' }, ['openai-responses'])).toBe('openai-responses')
  expect(chooseProtocol({ id: 'x', model: 'gpt-5.2', protocol: 'openai-chat' }, all)).toBe('openai-chat')
})

it.each(['mini', 'terminus'])('%s is told the protocol: the one asked for, else by the model', id => {
  const told = (spec: Partial<AgentSpec>) => {
    const places = { workspace: 'w', home: 'h', token: 't', baseUrls: { root: 'u', anthropic: 'u', openai: 'u' }, inImage: false }
    return findAgent(id).env({ spec: { id, model: 'claude-x', ...spec }, ...places })['TURNPIKE_PROTOCOL']
  }
  expect(told({})).toBe('anthropic-messages')
  expect(told({ protocol: 'openai-chat' })).toBe('openai-chat')
  expect(told({ model: 'gpt-5.2' })).toBe('openai-chat')
})

it('terminus follows its settings, and refuses two protocols at once', () => {
  const spec = { id: 'terminus', model: 'm', protocol: 'openai-chat' }
  const refusal = (protocol: string) => findAgent('terminus').refuse({ ...spec, settings: { protocol } })
  expect(refusal('openai-responses')).toMatch(/two protocols, openai-chat and in its settings openai-responses; leave one out/)
  expect([refusal('openai-chat'), refusal('auto')]).toEqual([null, null])
})

it('drives by the adapter’s first way unless another is asked for', () => {
  expect(chooseDriver({ id: 'kilo', model: 'm' }, findAgent('kilo'))).toBe('acp')
  expect(chooseDriver({ id: 'kilo', model: 'm', driver: 'process' }, findAgent('kilo'))).toBe('process')
})

it('refuses what an agent cannot do, and says what it can', () => {
  expect(refuseChoice({ id: 'codex', model: 'm', driver: 'acp' }, findAgent('codex'))).toBe(
    'cannot be driven by acp; it can by process',
  )
  expect(refuseChoice({ id: 'codex', model: 'm', protocol: 'gemini' }, findAgent('codex'))).toMatch(
    /does not speak gemini; it speaks openai-responses/,
  )
  expect(refuseChoice({ id: 'mini', model: 'm', version: '1.0.0' }, findAgent('mini'))).toMatch(/no versions/)
  expect(refuseChoice({ id: 'codex', model: null }, findAgent('codex'))).toBe('needs a model')
  for (const agent of agents.filter(hasVersions))
    expect(refuseChoice({ id: agent.id, model: 'm', version: '9.9.9' }, agent)).toBeNull()
})

it('pins another version of the same program', () => {
  const layer = layerOf('codex')
  expect(pinLayer(layer, undefined)).toBe(layer)
  expect(pinLayer(layer, '0.1.0')).toMatchObject({
    id: 'codex',
    version: '0.1.0',
    packages: [{ name: '@openai/codex', version: '0.1.0' }],
  })
})
