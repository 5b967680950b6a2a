import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openRunStream, writeEvent } from '../../cli/run-stream.ts'
import { compileSchema, type JsonSchema } from '../../core/schema.ts'
import type { Json, JsonObject, RunEvent } from '../../core/types.ts'

const file = new URL('../../cli/schemas/run-events.schema.json', import.meta.url)
const { problems } = compileSchema(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema)

const event = (type: string, data: JsonObject, trialId: string | null = 't1'): RunEvent => ({
  id: '01E',
  runId: '01R',
  trialId,
  type,
  at: Date.parse('2026-03-01T10:00:00.250Z'),
  data,
})

describe('lines of a run', () => {
  it('come in order, the version first, also when standard output is slow', async () => {
    const lines: Json[] = []
    const writeJson = async (line: Json | object): Promise<void> => {
      await new Promise(resolve => setTimeout(resolve, lines.length === 0 ? 30 : 1))
      lines.push(line as Json)
    }
    const stream = openRunStream({ writeJson }, '1.2.3')
    for (const turn of [1, 2, 3]) stream.event(event('turn-ended', { name: 'a', turn, state: 'passed', attempts: 1 }))
    await stream.end()
    expect(lines[0]).toEqual({ event: 'stream-opened', version: 1, turnpike: '1.2.3' })
    expect(lines.slice(1).map(line => (line as unknown as { data: { turn: number } }).data.turn)).toEqual([1, 2, 3])
    expect(lines.flatMap(problems)).toEqual([])
  })

  it('say once that they could not be written, and stop', async () => {
    let written = 0
    const stream = openRunStream(
      {
        writeJson: async () => {
          written += 1
          throw new Error('the disk is full')
        },
      },
      '1',
    )
    stream.event(event('run-ended', { state: 'finished' }, null))
    await expect(stream.end()).rejects.toThrow('the disk is full')
    expect(written).toBe(1)
  })

  it('have names in snake_case, but for names that others gave', () => {
    const line = writeEvent(event('attempt-verified', { testsPassed: 3, rewards: { bestScore: 1 } }))
    expect(line).toEqual({
      event: 'attempt-verified',
      id: '01E',
      at: '2026-03-01T10:00:00.250Z',
      run: '01R',
      trial: 't1',
      data: { tests_passed: 3, rewards: { bestScore: 1 } },
    })
  })
})

describe('their schema', () => {
  const line = (type: string, data: JsonObject): Json => writeEvent(event(type, data)) as Json

  it('knows what belongs to each event', () => {
    const good = { name: 'a', turn: 1, state: 'passed', attempts: 1 }
    expect(problems(line('turn-ended', good))).toEqual([])
    expect(problems(line('turn-ended', { ...good, state: 'won' }))).not.toEqual([])
    expect(problems(line('turn-ended', { name: 'a', turn: 1, state: 'passed' }))).not.toEqual([])
    expect(problems(line('trial-held', { name: 'a', ms: -1 }))).not.toEqual([])
  })

  it('lets events and keys come that are new, and nothing beside them', () => {
    expect(problems(line('moon-risen', { phase: 'full' }))).toEqual([])
    expect(problems(line('trial-held', { name: 'a', ms: 1, why: 'limits' }))).toEqual([])
    expect(problems({ ...(line('trial-held', { name: 'a', ms: 1 }) as JsonObject), more: 1 })).not.toEqual([])
    expect(problems({ event: 'stream-opened', version: 2, turnpike: '1' })).not.toEqual([])
  })

  it('takes an error for a last line', () => {
    const error = { code: 'E_INTERRUPTED', message: 'stopped', why: [], try: null, exit: 130 }
    expect(problems({ error })).toEqual([])
    expect(problems({ error: 'stopped' })).not.toEqual([])
  })
})
