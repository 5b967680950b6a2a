import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record } from '../../../scripts/real-agents/record.ts'
import { replay } from '../../../scripts/real-agents/replay.ts'
import { summarize, writeTable } from '../../../scripts/real-agents/table.ts'
import { installAgent } from './_agent.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'turnpike-agents-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))
const store = (): string => join(directory, 'store')

describe('a small agent, driven like a real one', () => {
  it('is recorded exactly over two turns, and replayed to the same files with no call to a provider', async () => {
    const subject = installAgent(directory, 'well')
    const recorded = await record(subject, store())
    expect(recorded.wrong).toEqual([])
    expect(recorded.seen.turns.map(turn => turn.file)).toEqual(['hi', 'bye'])
    expect(recorded).toMatchObject({ calls: 4, protocols: ['openai-chat'], ownSessions: ['own-1'], sessions: ['small-chat'] })
    expect(recorded.seen.files).toEqual({ 'README.md': 'A workspace.\n', 'hello.txt': 'bye\n' })
    const again = await replay(subject, store(), recorded)
    expect(again.wrong).toEqual([])
    expect(again.upstreamCalls).toEqual([])
    expect(again.seen.files).toEqual(recorded.seen.files)
    const row = writeTable([summarize(subject, recorded, again, new Date('2026-01-02T03:04:05Z'))])
      .split('\n')
      .at(-1)
    expect(row).toBe('| `small-chat` | 1.0.1 | openai-chat | a process a turn | 2, 4 | yes | exact | same files | 2026-01-02 |')
  })

  it('is recorded under the session it names itself when the path has none', async () => {
    const recorded = await record({ ...installAgent(directory, 'well'), named: false }, store())
    expect(recorded.wrong).toEqual([])
    expect(recorded.sessions).toEqual(['own-1'])
  })

  it('is found out when it does not do what the model asks', async () => {
    const recorded = await record(installAgent(directory, 'idle'), store())
    expect(recorded.wrong).toEqual([
      'after turn 1 hello.txt says nothing (exit 0)',
      'after turn 2 hello.txt says nothing (exit 0)',
    ])
  })

  it('is found out when its calls have no usage', async () => {
    const recorded = await record(installAgent(directory, 'frugal'), store())
    expect(recorded.wrong).toHaveLength(4)
    expect(recorded.wrong[0]).toBe('POST /v1/chat/completions 200 has no usage')
  })

  it('is ended when it does not end', async () => {
    const recorded = await record(installAgent(directory, 'stuck'), store())
    expect(recorded.wrong.slice(0, 2)).toEqual(['turn 1 did not end', 'turn 2 did not end'])
  })

  it('is found out when another agent answers from its recording', async () => {
    const subject = installAgent(directory, 'well')
    const recorded = await record(subject, store())
    const again = await replay({ ...subject, ...installAgent(directory, 'idle') }, store(), recorded)
    expect(again.wrong).toContain('hello.txt is not what it was')
  })
})
