// Two groups of tests. Those that start processes, fill disks or change what the process itself is get a fresh process per file; the others
// share a few processes, because loading the program again for each file took longer than their tests. What needs Docker, programs of real agents
// or minutes, such as processes that are killed and disks that are full, is `npm run test:real`: a user's `npm test` must not build images.

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const folders = (names: readonly string[]): string[] => names.map(name => `tests/${name}/**/*.test.ts`)
const shared = folders(['conformance', 'convert', 'core', 'judge', 'property', 'protocols', 'proxy', 'report', 'scenarios'])

const real = folders(['real', 'faults'])

/** Without the times of an earlier run vitest starts with the largest files; these are small and slow, and would be waited for at the end. */
const slow = ['cli/replay', 'configs/quickstart-tasks', 'conformance/protocols', 'cli/commands/run', 'configs/quickstart']

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = slow.findIndex(part => moduleId.includes(`/tests/${part}`))
      return found < 0 ? slow.length : found
    }
    return (await super.sort(files)).sort((one, other) => place(one) - place(other))
  }
}

const isReal = process.env['TURNPIKE_TESTS'] === 'real'

export default defineConfig({
  test: {
    globalSetup: ['tests/_setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Many wait for processes: more than the cores of a small machine.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    projects: isReal
      ? // Daemons, registries and processes of others have bad moments: what needed a second try is printed as such.
        [{ extends: true, test: { name: 'real', include: real, fileParallelism: false, retry: 1 } }]
      : [
          { extends: true, test: { name: 'own', include: ['tests/**/*.test.ts'], exclude: [...shared, ...real] } },
          { extends: true, test: { name: 'shared', include: shared, isolate: false } },
        ],
  },
})
