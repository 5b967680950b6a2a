// How a turn of a Harbor task is verified: [verifier] of the task and of the step, tests of both, and where the reward stands.
// A step's key wins over the task's when it is there, which is what Harbor documents; compat takes Harbor's 600 seconds instead.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FileTree, TaskEnvironment, Verifier } from '../../core/task.ts'
import { type HarborReader, readEnvironment, readNetwork, resolveTemplates, shellCommand } from './_harbor-environment.ts'
import { isTable, type Table } from './_toml.ts'

export const verifierKeys = [
  ...['timeout_sec', 'env', 'user', 'network_mode', 'allowed_hosts', 'environment_mode', 'environment', 'collect'],
] as const

export const testsPath = '/tests'
export const rewardPath = '/logs/verifier'
const timeoutSec = 600

export interface Phase {
  readonly table: Table
  readonly path: string
}

export interface VerifierInput {
  readonly task: Phase
  /** Null in single-step tasks. */
  readonly step: Phase | null
  /** `tests/` of the task, then of the step; those that exist. */
  readonly tests: readonly string[]
  readonly environment: TaskEnvironment
  /** Directory of a separate verifier's own image. */
  readonly context: string | null
}

/** A turn without a test script has nothing to be verified by: it is played and not scored. */
export function readVerifier(reader: HarborReader, input: VerifierInput): Verifier {
  const phases = [input.task, ...(input.step === null ? [] : [input.step])]
  const separate = readSeparate(reader, input, phases)
  const hasScript = separate !== null || input.tests.some(directory => existsSync(join(directory, 'test.sh')))
  const user = lastOf(phases, phase => readUser(reader, phase))
  const network = lastOf(phases, phase => readNetwork(reader, phase.table, phase.path))
  const env = Object.assign(
    {},
    ...phases.map(({ table, path }) => resolveTemplates(reader, reader.map(table, `${path}.env`), `${path}.env`)),
  )
  return {
    files: {},
    command: hasScript ? shellCommand(testScript) : [],
    timeoutMs: readTimeout(reader, input) * 1000,
    trees: separate === null ? input.tests.map((directory): FileTree => ({ directory, to: testsPath })) : [],
    env,
    reward: { directory: rewardPath },
    collect: phases.flatMap(phase => readCollect(reader, phase)),
    ...(user === null ? {} : { user }),
    ...(network === null ? {} : { network }),
    ...(separate === null ? {} : { separate }),
  }
}

/** The reward tells the result, so the exit status is of no account; what is printed stays beside the reward. */
const testScript = `chmod +x ${testsPath}/test.sh 2>/dev/null; ${testsPath}/test.sh > ${rewardPath}/test-stdout.txt 2>&1`

function lastOf<T>(phases: readonly Phase[], read: (phase: Phase) => T | null): T | null {
  return phases.map(read).findLast(value => value !== null) ?? null
}

function readTimeout(reader: HarborReader, { task, step }: VerifierInput): number {
  const own = step === null ? null : reader.number(step.table, `${step.path}.timeout_sec`, 0.001)
  const ofTask = reader.number(task.table, `${task.path}.timeout_sec`, 0.001)
  if (step !== null && reader.options.harborCompat) return own ?? timeoutSec
  return own ?? ofTask ?? timeoutSec
}

/** Names and numbers are both users of a container. */
export function readUser(reader: HarborReader, { table, path }: Phase): string | null {
  const value = table['user']
  if (value === undefined) return null
  if (typeof value === 'string' && value !== '') return value
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? String(value)
    : reader.refuse(`${path}.user`, 'must be the name or number of a user')
}

/** Step mode, step environment, task mode, task environment, shared: the first that speaks decides. */
function readSeparate(reader: HarborReader, input: VerifierInput, phases: readonly Phase[]): TaskEnvironment | null {
  for (const { table, path } of [...phases].reverse()) {
    const mode = reader.choice(table, `${path}.environment_mode`, ['shared', 'separate'])
    const own = reader.has(table, `${path}.environment`)
    if (mode === 'shared' && own) reader.refuse(`${path}.environment`, 'stands beside environment_mode = "shared"')
    if (mode === 'shared') return null
    if (mode === 'separate' || own) return chooseSeparate(reader, input, phases)
  }
  return null
}

function chooseSeparate(reader: HarborReader, input: VerifierInput, phases: readonly Phase[]): TaskEnvironment {
  const context = input.context ?? join(reader.directory, 'tests')
  const given = phases.findLast(({ table }) => isTable(table['environment']))
  if (given !== undefined) return readEnvironment(reader, given.table, `${given.path}.environment`, context)
  const image = existsSync(join(context, 'Dockerfile'))
    ? ({ kind: 'build', context, dockerfile: 'Dockerfile' } as const)
    : input.environment.image
  return { ...input.environment, image }
}

function readCollect(reader: HarborReader, { table, path }: Phase): NonNullable<Verifier['collect']> {
  return reader.list(table, `${path}.collect`).flatMap((entry, index) => {
    const at = `${path}.collect[${index}]`
    const fields = reader.asTable(entry, at, ['command', 'service', 'timeout_sec', 'user'])
    const command = reader.text(fields, `${at}.command`)
    if (!command?.trim()) return reader.refuse(`${at}.command`, 'is missing or empty')
    const service = reader.text(fields, `${at}.service`) ?? 'main'
    if (service !== 'main') {
      reader.warn(`${at}.service`, `names "${service}"; a task here is one container, so the command is passed over`)
      return []
    }
    const user = readUser(reader, { table: fields, path: at })
    const timeoutMs = (reader.number(fields, `${at}.timeout_sec`, 0.001) ?? 60) * 1000
    return [{ command: shellCommand(command), timeoutMs, ...(user === null ? {} : { user }) }]
  })
}
