// What each real agent is told, word for word: files, variables, argv of the first and of a continued request, per protocol. The golden
// files are read by people; a change of one is a change of what is measured.
import { expect, it } from 'vitest'
import type { AgentAdapter, AgentContext } from '../../runner/agents/_adapter.ts'
import { agents } from '../../runner/agents/_all.ts'

const models: Readonly<Record<string, string>> = {
  'anthropic-messages': 'claude-sonnet-4-5',
  'openai-responses': 'gpt-5.2',
  gemini: 'gemini-2.5-pro',
  'openai-chat': 'some-model',
}

function contextOf(id: string, protocol: string): AgentContext {
  const root = 'http://proxy/t/TOKEN'
  const baseUrls = { root, anthropic: root, openai: `${root}/v1` }
  const spec = { id, model: models[protocol] ?? 'some-model' }
  return { spec, workspace: '/box/workspace', home: '/box/home', token: 'TOKEN', baseUrls, inImage: false }
}

function tell(agent: AgentAdapter, protocol: string): object {
  const context = contextOf(agent.id, protocol)
  const ask = (continues: boolean) =>
    agent.command({ instruction: '- do it', session: 'SESSION', continues, solution: null }, context)
  const serving = agent.drivers.filter(driver => driver !== 'process')
  return {
    files: agent.files(context),
    env: agent.env(context),
    first: ask(false),
    next: ask(true),
    ...Object.fromEntries(serving.map(driver => [driver, agent.serve?.(driver, context, null)])),
  }
}

// Our own are told with paths of this machine.
const real = agents.filter(agent => (agent.layer !== null && agent.layer.entry === undefined) || agent.untested !== undefined)

it.each(real.map(agent => [agent.id, agent] as const))('%s is told what the golden file says', async (id, agent) => {
  const told = Object.fromEntries(agent.protocols.map(protocol => [protocol, tell(agent, protocol)]))
  await expect(`${JSON.stringify(told, null, 2)}\n`).toMatchFileSnapshot(`../fixtures/golden/agents/${id}.json`)
})

const sessions: ReadonlyArray<readonly [string, string, string | null]> = [
  [
    'claude-code',
    '{"type":"system","subtype":"init","session_id":"0b4ab5cb-0000-4000-8000-000000000001"}',
    '0b4ab5cb-0000-4000-8000-000000000001',
  ],
  ['codex', '{"type":"thread.started","thread_id":"019b"}\n{"type":"turn.started"}', '019b'],
  ['opencode', 'noise\n{"type":"step_start","sessionID":"ses_4abC"}', 'ses_4abC'],
  ['kilo', '{"sessionID":"ses_1"}', 'ses_1'],
  ['kimi', '{"role":"meta","type":"session.resume_hint","session_id":"session_9-a"}', 'session_9-a'],
  ['kimi', '{"session_id":"other_9"}', null],
  ['pi', '{"type":"session","id":"x"}', null],
]

it.each(sessions)('%s names its session in %s', (id, stdout, session) => {
  expect(agents.find(agent => agent.id === id)?.readSession(stdout)).toBe(session)
})
