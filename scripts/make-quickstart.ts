// Writes configs/quickstart/tasks.jsonl from the readable files in configs/quickstart/sources; --check only compares.
// A turn is turn-N.md (instruction), turn-N.test.mjs (its tests) and turn-N.sh (solution); everything else is the workspace.
// Verifiers are cumulative: turn N runs the tests of turns 1 to N.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../configs/quickstart/', import.meta.url))
const verifierTimeoutMs = 60_000

export const quickstartTasks = [
  { id: 'slug', title: 'A slug library (JavaScript module)' },
  { id: 'ledger', title: 'A ledger for the command line (Node.js program)' },
  { id: 'todo', title: 'A to-do list (POSIX shell script)' },
]

/** The text of tasks.jsonl. */
export function writeTasks(): string {
  const lines = quickstartTasks.map(({ id, title }) => JSON.stringify({ id, title, ...readTask(join(folder, 'sources', id)) }))
  return `# Written by scripts/make-quickstart.ts from sources/; edit those.\n${lines.join('\n')}\n`
}

function readTask(source: string) {
  const read = (name: string) => readFileSync(join(source, name), 'utf8')
  const names = readdirSync(source).sort()
  const turns = names.filter(name => /^turn-\d+\.md$/.test(name)).map((_, index) => index + 1)
  return {
    files: Object.fromEntries(names.filter(name => !/^turn-\d+\./.test(name)).map(name => [name, read(name)])),
    turns: turns.map(turn => {
      const tests = turns.slice(0, turn).map(earlier => `turn-${earlier}.test.mjs`)
      return {
        instruction: read(`turn-${turn}.md`).trim(),
        verifier: {
          files: Object.fromEntries(tests.map(name => [`hidden-tests/${name}`, read(name)])),
          command: ['node', '--test', '--test-reporter=tap', ...tests.map(name => `hidden-tests/${name}`)],
          timeout_ms: verifierTimeoutMs,
        },
        solution: ['sh', '-c', read(`turn-${turn}.sh`)],
      }
    }),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(folder, 'tasks.jsonl')
  if (!process.argv.includes('--check')) writeFileSync(file, writeTasks())
  else if (readFileSync(file, 'utf8') !== writeTasks()) {
    console.error('configs/quickstart/tasks.jsonl is stale: run npx tsx scripts/make-quickstart.ts')
    process.exitCode = 1
  }
}
