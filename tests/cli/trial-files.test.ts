import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeTrialFiles } from '../../cli/trial-files.ts'
import type { Trial } from '../../core/types.ts'
import { assistant, record, text } from '../convert/script.ts'
import { withStore } from '../convert/temporary-store.ts'
import { makeTrial } from '../rows.ts'

const trial = (id: string, name: string): Trial => makeTrial({ id, name })

it('writes where Harbor has it, images beside it, and nothing for a trial without an answer', () =>
  withStore(async store => {
    await store.put('trials', [trial('t1', 'task.mini.1'), trial('t2', 'org/task.mini.1'), trial('t3', 'task.nop.1')])
    const picture = { role: 'user', blocks: [{ kind: 'image', mediaType: 'image/png', data: 'aGk=' }] } as const
    for (const id of ['t1', 't2'])
      await record(store, { id: `c${id}`, at: 1000, messages: [picture], answer: assistant(text('Hi.')) }, { kind: 'trial', id })
    const directory = join(store.directory, 'runs', 'r')
    const written = await writeTrialFiles(store, 'r', directory)
    expect(written).toEqual([
      join(directory, 'task.mini.1', 'agent', 'trajectory.json'),
      join(directory, 'org_task.mini.1-t2', 'agent', 'trajectory.json'),
    ])
    const document = JSON.parse(readFileSync(written[0] ?? '', 'utf8'))
    const { path } = document.steps.find((step: { source: string }) => step.source === 'user').message[0].source
    expect(readFileSync(join(directory, 'task.mini.1', 'agent', path), 'utf8')).toBe('hi')
  }))
