// `turnpike harbor run` as scripts call it, with real containers.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openPlace } from '../cli/_cli.ts'
import { dockerMissing } from '../docker.ts'
import { atEnd } from '../runner/_sandbox.ts'
import { stepped, writeFiles } from '../runner/tasks/_harbor-files.ts'
import { removeImages } from './_task-images.ts'

describe.skipIf(dockerMissing !== null)('with containers', () => {
  it('plays a window of steps and leaves the tree that scripts read', { timeout: 300_000 }, async () => {
    const place = openPlace()
    atEnd(() => place.close())
    const names = ['round-1', 'round-2', 'round-3']
    const files = stepped(names)
    for (const [index, name] of names.entries()) {
      files[`steps/${name}/solution/solve.sh`] = `#!/bin/sh\necho ${name} >> made\n`
      files[`steps/${name}/tests/test.sh`] =
        `#!/bin/sh\n[ "$(wc -l < made)" = ${index + 1} ] && [ ! -e /solution/solve.sh ] && r=1\necho "CASE_SUMMARY total_cases=1 success_count=\${r:-0}"\necho "\${r:-0}" > /logs/verifier/reward.txt\n`
    }
    writeFiles(join(place.directory, 'task'), files)
    atEnd(() => removeImages(join(place.directory, 'task')))
    const flags = [
      '--path',
      'task',
      '--agent',
      'oracle',
      '--model',
      'oracle',
      '--n-attempts',
      '1',
      '--n-concurrent',
      '1',
      '--jobs-dir',
      'out',
    ]
    const window = ['--start-step', '2', '--fast-forward-mode', 'oracle-solution', '--end-step', 'round-2']
    const { code, stdout, stderr } = await place.run(['harbor', 'run', ...flags, ...window, '--job-name', '2026-x', '--json'])
    expect([code, stderr.includes('error')]).toEqual([0, false])
    const told = JSON.parse(stdout)
    expect(told.trials).toMatchObject([{ outcome: 'finished' }])
    const trial = told.trials[0].directory
    expect(trial.startsWith(join(place.directory, 'out/2026-x/task__'))).toBe(true)
    expect(readdirSync(join(trial, 'steps'))).toEqual(['round-2'])
    expect(readFileSync(join(trial, 'steps/round-2/verifier/reward.txt'), 'utf8')).toBe('1\n')
    expect(readFileSync(join(trial, 'steps/round-2/verifier/test-stdout.txt'), 'utf8')).toBe(
      'CASE_SUMMARY total_cases=1 success_count=1\n',
    )
  })
})
