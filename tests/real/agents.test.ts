// Real command lines of real agents, two turns of one conversation each, through the whole runner against the simulated provider. They are
// hundreds of megabytes, so they are played where they are: TURNPIKE_AGENTS names the directory that `turnpike agents install` has filled.
import { expect, it } from 'vitest'
import type { AgentSpec } from '../../runner/agents/_adapter.ts'
import { agents } from '../../runner/agents/_all.ts'
import { isPrepared } from '../../runner/layers.ts'
import { playAgent, typingModel } from './_real-agents.ts'

const directory = process.env['TURNPIKE_AGENTS'] ?? ''
const inContainers = ['claude-code', 'codex', 'opencode']
const models: Readonly<Record<string, string>> = {
  'claude-code': 'claude-sonnet-4-5',
  codex: 'gpt-5.5',
  'gemini-cli': 'gemini-2.5-pro',
  terminus: typingModel,
}

const real = agents.filter(agent => agent.layer !== null)
// Our own run with this machine's Node.
const here = real.filter(
  ({ layer }) => directory !== '' && (layer?.entry !== undefined || (layer && isPrepared(layer, directory))),
)
if (here.length < real.length) {
  const absent = real.filter(agent => !here.includes(agent)).map(agent => agent.id)
  const why = directory === '' ? 'TURNPIKE_AGENTS names no directory of them' : `not installed in ${directory}`
  process.stderr.write(`real agents that are skipped (${why}): ${absent.join(', ')}\n`)
}
const docker = here.some(({ id }) => inContainers.includes(id)) ? (await import('../docker.ts')).dockerMissing : 'not asked for'

it('knows what it would play', () => {
  expect(real.length).toBeGreaterThanOrEqual(13)
  for (const id of inContainers) expect(real.map(agent => agent.id)).toContain(id)
})

const specOf = (id: string, driver?: AgentSpec['driver']): AgentSpec => ({
  id,
  model: models[id] ?? 'some-model',
  ...(driver === undefined ? {} : { driver }),
})
const ways = here.flatMap(agent => agent.drivers.map(driver => [agent.id, driver] as const))

it.runIf(ways.length > 0).each(ways)(
  '%s, driven by %s, makes a file and changes it in one conversation',
  async (id, driver) => {
    await expectGood(specOf(id, driver), 'local')
  },
  300_000,
)

const contained = docker === null ? here.filter(({ id }) => inContainers.includes(id)).map(({ id }) => id) : []

it.runIf(contained.length > 0).each(contained)(
  '%s in a container, with its programs laid over the image',
  async id => {
    await expectGood(specOf(id), 'docker')
  },
  600_000,
)

async function expectGood(spec: AgentSpec, environment: string): Promise<void> {
  const played = await playAgent(spec, environment, directory)
  const outputs = played.attempts.map(({ agentOutput }) => agentOutput.slice(-1500)).join('\n---\n')
  expect(played.turns, outputs).toEqual(['passed', 'passed'])
  expect(played.lost).toBe(0)
  expect(played.callsPerTurn[0]).toBeGreaterThanOrEqual(2)
  expect(played.callsPerTurn[1]).toBeGreaterThanOrEqual(2)
  // The second turn's requests hold what was said in the first: it is one conversation on the wire, not by its word.
  expect(played.secondTurnRequests.every(text => text.includes('hello.txt containing hi'))).toBe(true)
}
