// Thirty-two local trials at once on however few cores there are: all finish, each with the results of its own agent, within bounds on memory and
// open files, and nothing of them is left. What a turn costs is bench/runner.ts.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { findSurvivors } from '../../runner/survivors.ts'
import { openBench, script } from '../runner/_tasks.ts'

const trialsAtOnce = 32

const turn = (index: number) => ({
  index,
  instruction: `turn ${index}`,
  // Passes in turn 1, fails in turn 2, passes in turn 3 only where turn 1 can still be read.
  verifier: {
    files: {
      'hidden/check.sh': `test -f done-1 && test "$(cat done-${index})" = "$(cat name) ${index}" && test ${index} != 2\n`,
    },
    command: ['sh', 'hidden/check.sh'],
    timeoutMs: 300_000,
  },
  solution: null,
  timeoutMs: 300_000,
})

/** Every trial has a name of its own, writes it with every turn, and leaves a process behind. */
const agent = script(
  `[ -f name ] || od -An -N8 -tx8 /dev/urandom | tr -d ' ' > name
   echo "$(cat name) \${1#turn }" > "done-\${1#turn }"; ls hidden > seen 2>&1; (sleep 600 >/dev/null 2>&1 &) ; cat name`,
)

const openFiles = (): number => readdirSync('/proc/self/fd').length

it('thirty-two trials at once finish with the right results, bounded, and leave nothing', { timeout: 600_000 }, async () => {
  const { run, read, store } = await openBench()
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`src/file${at}.txt`, `${at}\n`.repeat(50)]))
  const task = { id: 'many', title: 'Many', files, turns: [1, 2, 3].map(turn), source: { file: 'many', line: 1 } }
  const filesBefore = openFiles()
  const memoryBefore = process.memoryUsage.rss()
  const peak = { running: 0, files: 0, memory: 0 }
  const running = new Set<string>()
  const { trials } = await run({
    tasks: [task],
    agents: [agent],
    trials: trialsAtOnce,
    concurrency: trialsAtOnce,
    feedback: 'none',
    onEvent: ({ type, trialId }) => {
      if (type === 'environment-opened' && trialId !== null) running.add(trialId)
      if (type === 'trial-ended' && trialId !== null) running.delete(trialId)
      peak.running = Math.max(peak.running, running.size)
      peak.files = Math.max(peak.files, openFiles())
      peak.memory = Math.max(peak.memory, process.memoryUsage.rss())
    },
  })
  expect(trials.map(trial => trial.outcome)).toEqual(trials.map(() => ({ kind: 'finished', reason: null })))
  expect(trials).toHaveLength(trialsAtOnce)
  const names = new Set<string>()
  for (const trial of trials) {
    const { states, attempts } = await read(trial.id)
    expect(states).toEqual(['passed', 'failed', 'passed'])
    // What the agent said and what the last snapshot holds are the same trial's, and no test is in it.
    const name = attempts[0]?.agentOutput.trim() ?? ''
    expect(attempts.map(attempt => attempt.agentOutput.trim())).toEqual([name, name, name])
    const show = (path: string) =>
      execFileSync('git', ['--git-dir', trial.snapshots ?? '', 'show', `${attempts[2]?.snapshot}:${path}`], { encoding: 'utf8' })
    expect([1, 2, 3].map(at => show(`done-${at}`))).toEqual([1, 2, 3].map(at => `${name} ${at}\n`))
    expect(show('seen')).toMatch(/No such file/)
    expect(show('src/file7.txt')).toBe('7\n'.repeat(50))
    names.add(name)
    expect(findSurvivors(trial.id, null)).toEqual([])
    expect(readdirSync(tmpdir()).filter(entry => entry.includes(trial.id))).toEqual([])
  }
  expect(names.size).toBe(trialsAtOnce)
  expect((await store.list('events', { type: 'turn-kept' })).length).toBe(trialsAtOnce * 3)
  // All were open at once; a trial holds pipes of one command or two, and some megabytes.
  expect(peak.running).toBeGreaterThan(trialsAtOnce / 2)
  expect(peak.files - filesBefore).toBeLessThan(trialsAtOnce * 16)
  expect(peak.memory - memoryBefore).toBeLessThan(400 * 1024 * 1024)
  expect(openFiles() - filesBefore).toBeLessThan(8)
})
