// Agents at work in containers: each plays every step of a task that comes with Turnpike, in one conversation, against the scripted provider.
// Their programs come from npm once, into the directory TURNPIKE_AGENTS (else the cache that `turnpike agents install` fills).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cacheDirectory } from '../../cli/machine-places.ts'
import { isTurnpikeError } from '../../core/errors.ts'
import type { AgentSpec } from '../../runner/agents/_adapter.ts'
import { findAgent } from '../../runner/agents/_all.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { prepareImage } from '../../runner/environments/_docker-images.ts'
import { ownerName } from '../../runner/environments/_docker-reaper.ts'
import { prepareLayer } from '../../runner/layers.ts'
import { dockerMissing } from '../docker.ts'
import { never } from '../runner/_sandbox.ts'
import { byKeys, byTool, loadTask, type Played, phraseOf, playInContainer, remarkOf } from './_contained.ts'
import { writePlainContext, writeTmuxContext } from './_images.ts'
import { removeImage } from './_task-images.ts'

const directory = process.env['TURNPIKE_AGENTS'] || cacheDirectory(process.env, 'agents')
const places = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
const plain = writePlainContext(join(places, 'plain'))
const withTmux = writeTmuxContext(join(places, 'tmux'))

/** Driven and asked as each is by default; one over ACP. */
const played: ReadonlyArray<readonly [task: string, spec: AgentSpec]> = [
  ['cache-js', { id: 'mini', model: 'claude-sonnet-4-5' }],
  ['notes-sh', { id: 'terminus', model: 'some-model' }],
  ['notes-sh', { id: 'claude-code', model: 'claude-sonnet-4-5' }],
  ['cache-js', { id: 'opencode', model: 'some-model' }],
  ['notes-sh', { id: 'codex', model: 'gpt-5.5' }],
  ['cache-js', { id: 'qwen-code', model: 'some-model', driver: 'acp' }],
]

describe.skipIf(dockerMissing !== null)('in containers', () => {
  const made: string[] = []
  let networks: readonly string[] = []
  const listNetworks = async () => (await (await useDocker()).listNetworks()).map(({ Name }) => Name).sort()

  beforeAll(async () => {
    networks = await listNetworks()
  })

  afterAll(async () => {
    rmSync(places, { recursive: true, force: true })
    const docker = await useDocker()
    for (const name of [...new Set(made)].reverse()) await removeImage(docker, name)
    const left = await docker.listContainers({ all: true, filters: { label: [`${labels.owner}=${ownerName()}`] } })
    expect(left.map(container => container.Names)).toEqual([])
    const images = await docker.listImages({ filters: { label: [`${labels.owner}=${ownerName()}`] } })
    expect(images.map(image => image.Id)).toEqual([])
    expect(await listNetworks()).toEqual(networks)
  })

  /** The layer, and the images that the trial will use, which are this test's to remove; or why there is none. */
  async function prepare(id: string, task: Awaited<ReturnType<typeof loadTask>>): Promise<string | null> {
    const { layer } = findAgent(id)
    if (layer === null) return `${id} has no layer`
    try {
      const place = await prepareLayer(layer, { directory, env: process.env, signal: never, onProgress: () => undefined })
      made.push(await prepareImage(task.environment ?? null, null, never))
      made.push(await prepareImage(task.environment ?? null, { layer, directory: place }, never))
      return null
    } catch (error) {
      if (isTurnpikeError(error) && error.code === 'E_AGENT_INSTALL') return error.message
      throw error
    }
  }

  for (const [id, spec] of played)
    it(`${spec.id} works through every step of ${id} in one conversation`, { timeout: 900_000 }, async ({ skip }) => {
      const byTerminal = spec.id === 'terminus'
      const context = byTerminal ? withTmux : plain
      if (context === null) return skip('this machine has no tmux to put into an image')
      const task = await loadTask(id, context)
      const missing = await prepare(spec.id, task)
      if (missing !== null) {
        process.stderr.write(`${spec.id} is not played in a container: ${missing}\n`)
        return skip(missing)
      }
      const result = await playInContainer({ task, spec, agentsDirectory: directory, steps: byTerminal ? byKeys : byTool })
      expectWhole(result, task.turns.map(phraseOf))
    })

  it('say which program an image lacks for an agent, and what can be done', { timeout: 120_000 }, async () => {
    const { layer } = findAgent('terminus')
    if (layer === null) throw new Error('terminus has no layer')
    const task = await loadTask('notes-sh', plain)
    // What is laid over it does not matter: the program is looked for first.
    const asked = prepareImage(task.environment ?? null, { layer, directory: plain }, never)
    await expect(asked).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
      message: expect.stringMatching(/^terminus needs tmux in the image turnpike\/task:\w+, and it could not be put there$/),
      hint: expect.stringMatching(/an image that has tmux needs no network.*\n.*apt-get: not found/s),
    })
  })
})

function expectWhole({ trial, rewards, events, attempts, strange, sent, show }: Played, phrases: readonly string[]): void {
  const outputs = attempts.map(({ agentOutput, verifierOutput }) => agentOutput.slice(-1500) + verifierOutput.slice(-500))
  expect(trial.outcome, outputs.join('\n---\n')).toEqual({ kind: 'finished', reason: null })
  expect(rewards, outputs.join('\n---\n')).toEqual(phrases.map(() => 1))
  expect(events.filter(({ type }) => type === 'conversation-lost')).toEqual([])
  expect(strange).toEqual([])
  for (const [at, phrase] of phrases.entries()) {
    const turn = at + 1
    const own = sent.filter(request => request.turn === turn)
    const inTalk = own.filter(({ text }) => text.includes(phrase))
    // The call of the tool, and what follows its result.
    expect(inTalk.length, `requests of turn ${turn}`).toBeGreaterThanOrEqual(2)
    // Nothing of a later turn is counted to an earlier one.
    for (const later of phrases.slice(turn)) expect(own.some(({ text }) => text.includes(later))).toBe(false)
    // What was asked and said before is in it, in order: one conversation on the wire, not by its word.
    const said = phrases.slice(0, at).flatMap((earlier, index) => [earlier, remarkOf(index + 1)])
    for (const { text } of inTalk) expect(inOrder(text, [...said, phrase]), `a request of turn ${turn}`).toBe(true)
    expect(show(turn, 'progress.txt')).toBe(
      phrases
        .slice(0, turn)
        .map((_, index) => `round ${index + 1}\n`)
        .join(''),
    )
  }
  expect(sent.every(({ turn }) => turn !== null)).toBe(true)
}

function inOrder(text: string, parts: readonly string[]): boolean {
  let from = 0
  return parts.every(part => {
    const at = text.indexOf(part, from)
    from = at + part.length
    return at >= 0
  })
}
