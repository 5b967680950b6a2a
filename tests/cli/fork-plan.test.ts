// `turnpike run --fork` as a person uses it: another agent goes on from what the first one left.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { splitFork } from '../../cli/fork-plan.ts'
import { openPlace, type Place, readLast } from './_cli.ts'

const turn = (name: string, also: string) => ({
  instruction: `Make the file ${name}.`,
  verifier: { files: {}, command: ['sh', '-c', `test -f ${name} && test -f ${also}`], timeout_ms: 20_000 },
  solution: ['sh', '-c', `echo done > ${name}`],
})
const turns = [turn('one.txt', 'one.txt'), turn('two.txt', 'mark'), turn('three.txt', 'mark')]
const task = { id: 'files', title: 'Three files', files: {}, turns }
/** Leaves a mark that no reference solution would. */
const first = 'touch one.txt mark; echo remembered > "$HOME/memory"'
const second = 'test ! -e "$HOME/memory" || exit 7; touch two.txt three.txt'

interface RunJson {
  readonly trials: readonly object[]
  readonly files: { readonly report: string }
  readonly score: { readonly agents: ReadonlyArray<{ readonly cells: object }> }
}

let place: Place
beforeAll(async () => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task)}\n`)
  const args = [
    'run',
    '--tasks',
    'tasks.jsonl',
    '--agent',
    'command',
    '--fresh-session',
    '--simulated',
    '--name',
    'first',
    '--json',
  ]
  const ended = await place.run([...args, '--', 'sh', '-c', first])
  if (ended.code !== 0) throw new Error(ended.stderr)
})
afterAll(() => place.close())

it('another agent goes on from the files after the turn, with a home of its own; turns before are skipped', async () => {
  // By the name of the turn; the run keeps its number.
  const fork = ['run', '--fork', 'files.command.1@turn-1', '--agent', 'command', '--name', 'second', '--json']
  const ended = await place.run([...fork, '--', 'sh', '-c', second])
  expect(ended.stderr).not.toMatch(/error/i)
  const run = readLast<RunJson>(ended.stdout)
  expect(run.trials).toMatchObject([{ name: 'files.command.1', outcome: 'finished' }])
  const report = readFileSync(run.files.report, 'utf8')
  expect(report).toMatch(/skipped/)
  expect(run.score.agents[0]?.cells).toMatchObject({ passed: 2, skipped: 1, failed: 0 })
  // It can be resumed as the fork it was; nothing is left to do.
  const again = await place.run(['run', '--resume', 'second', '--json', '--', 'sh', '-c', second])
  expect(readLast<RunJson>(again.stdout).trials).toEqual(run.trials)
}, 180_000)

it('refuses what was not recorded, and both at once', async () => {
  const refusal = async (...args: string[]) => (await place.run(['run', ...args, '--agent', 'nop'])).stderr
  expect(await refusal('--fork', 'first/files.command.1@9')).toMatch(
    /nothing was recorded after turn 9[\s\S]*recorded turns: 1, 2, 3/,
  )
  expect(await refusal('--fork', 'first/files.command.1@3')).toMatch(/is the last of files.command.1/)
  expect(await refusal('--fork', 'first@1')).toMatch(/is a run, not a trial/)
  expect(await refusal('--fork', 'first/files.command.1@1', '--resume', 'first')).toMatch(/only one of them/)
  expect(await refusal('--fork', 'files.command.1')).toMatch(/expected TRIAL@TURN/)
  expect(await refusal('--fork', 'first/files.command.1@')).toMatch(/expected TRIAL@TURN/)
  expect(await refusal('--fork', 'first/files.command.1@turn-l')).toMatch(
    /no turn of task files is named "turn-l"[\s\S]*did you mean turn-1\? turns of files: turn-1, turn-2, turn-3/,
  )
  expect(await refusal('--fork', 'first/files.command.1@1', '--from-turn', '2')).toMatch(/leave out --from-turn/)
}, 180_000)

it('says when what was recorded has been removed', async () => {
  rmSync(join(place.directory, '.turnpike', 'work'), { recursive: true })
  const ended = await place.run(['run', '--fork', 'first/files.command.1@1'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/after turn 1 is gone: .*work/) })
})

it('names of trials may hold an @ themselves', () => {
  expect(splitFork('files.mini@model-a.2@12')).toEqual({ trial: 'files.mini@model-a.2', turn: '12' })
  expect(splitFork('files.mini@model-a.2@round-2')).toEqual({ trial: 'files.mini@model-a.2', turn: 'round-2' })
})
