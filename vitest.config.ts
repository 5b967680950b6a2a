// Two groups of tests. Those that are about what the process itself is get a fresh process per file; the others share
// a few processes, because loading the program again for each file took longer than their tests: helpers of theirs clean up by onTestFinished, not
// by a hook of their own file. What needs Docker, programs of real agents or minutes, such as processes that are killed and disks that are full,
// is `npm run test:real`: a user's `npm test` must not build images.

import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const folders = (names: readonly string[]): string[] => names.map(name => `tests/${name}/**/*.test.ts`)
const own = [
  'tests/runner/environments/{_local-*,local}.test.ts',
  'tests/runner/{processes,survivors}.test.ts',
  'tests/*.test.ts',
]
const real = folders(['real', 'faults'])
/** What floods or fills the machine would be the trouble of whatever runs beside it, and the other way round. */
const alone = [
  'tests/faults/{floods,full-disk,lost-provider,socket-kill,wire}.test.ts',
  'tests/real/{agents,attack-limits,kills,lost-places,many-trials,memory}.test.ts',
]

/** Without the times of an earlier run vitest starts with the largest files; these are small and slow, and would be waited for at the end. */
const slow = [
  ...['real/containers', 'real/lost-daemon', 'real/attacks', 'real/harbor'],
  ...['cli/commands/run', 'configs/quickstart', 'cli/replay', 'cli/fork', 'runner/trial', 'runner/reward', 'runner/start-over'],
  ...[
    'runner/terminus/main',
    'runner/mini/main',
    'runner/drivers',
    'property/sessions',
    'conformance/protocols',
    'property/protocols',
  ],
]

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // A process that is shared ends when what comes next is none of its own.
    const place = ({ moduleId, project }: TestSpecification): number => {
      const found = slow.findIndex(part => moduleId.includes(`/tests/${part}`))
      return (project.name === 'shared' ? 100 : 0) + (found < 0 ? slow.length : found)
    }
    return (await super.sort(files)).sort((one, other) => place(one) - place(other))
  }
}

const isReal = process.env['TURNPIKE_TESTS'] === 'real'

export default defineConfig({
  test: {
    globalSetup: ['tests/_setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Many wait for processes: more than the cores of a small machine.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: SlowFirst },
    projects: isReal
      ? // Daemons, registries and processes of others have bad moments: what needed a second try is printed as such.
        // Two at a time, as most of the time is spent waiting for a daemon; the others after them.
        [
          {
            extends: true,
            test: { name: 'real', include: real, exclude: alone, maxWorkers: 2, retry: 1, sequence: { groupOrder: 1 } },
          },
          {
            extends: true,
            test: { name: 'alone', include: alone, fileParallelism: false, retry: 1, sequence: { groupOrder: 2 } },
          },
        ]
      : [
          { extends: true, test: { name: 'own', include: own } },
          {
            extends: true,
            test: {
              name: 'shared',
              include: ['tests/**/*.test.ts'],
              exclude: [...own, ...real],
              isolate: false,
              setupFiles: ['tests/_seed.ts'],
            },
          },
        ],
  },
})
