import { expect, it } from 'vitest'
import atif from '../../convert/formats/atif.ts'
import { writeTrialTrajectory } from '../../convert/trial-trajectory.ts'
import type { Block, JsonObject, Trial } from '../../core/types.ts'
import { makeTrial } from '../rows.ts'
import { findProblems } from './formats/_atif-rules.ts'
import { assistant, record, text, toolCall, toolResult, user } from './script.ts'
import { withStore } from './temporary-store.ts'

const trial: Trial = makeTrial()
const scope = { kind: 'trial', id: 't1' } as const
const image: Block = { kind: 'image', mediaType: 'image/png', data: 'aGk=' }
const opening = { role: 'user', blocks: [text('look'), image] } as const
const first = assistant(text('I look.'), toolCall('c', 'ls'))

it('gives the document of a trial, its images apart and by the paths it names', () =>
  withStore(async store => {
    await store.put('trials', [trial])
    await record(store, { id: 'a', at: 1000, messages: [opening], answer: first }, scope)
    const messages = [opening, first, toolResult('c', 'x')]
    await record(store, { id: 'b', at: 2000, messages, answer: assistant(text('Done.')) }, scope)
    await record(store, { id: 'f', at: 3000, messages: [user('else')], answer: null }, scope)
    const written = await writeTrialTrajectory(store, 't1')
    const document = JSON.parse(written?.document ?? '') as JsonObject
    expect(findProblems(document)).toEqual([])
    expect(atif.listGenerations(document)).toEqual(['a', 'b'])
    expect(document).toMatchObject({
      session_id: 't1',
      agent: { name: 'mini' },
      extra: {
        scope: { kind: 'trial', name: 'task.mini.1', run_id: 'r', task: 'task', score: null },
        stray_calls: [{ call_id: 'f', status: 529, error: { type: 'overloaded_error' } }],
      },
    })
    const [path] = written?.images.keys() ?? []
    expect(JSON.stringify(document['steps'])).toContain(`"path":"${path}"`)
    expect(document['extra']).not.toHaveProperty('images')
    expect(written?.images.get(path ?? '')?.toString()).toBe('hi')
  }))

it('gives none for a trial that nobody knows, or in which no model answered', () =>
  withStore(async store => {
    expect(await writeTrialTrajectory(store, 't1')).toBeNull()
    await store.put('trials', [trial])
    await record(store, { id: 'f', at: 3000, messages: [user('else')], answer: null }, scope)
    expect(await writeTrialTrajectory(store, 't1')).toBeNull()
  }))
