// The turns of a Harbor task: the one of a single-step task, or one for each [[steps]] entry with its folder under steps/.
// Reads instructions and looks which folders are there; the files in them are only read when they are copied.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Artifact, FileTree, TaskEnvironment, TaskTurn } from '../../core/task.ts'
import { type HarborReader, readHealthcheck, readNetwork, resolveTemplates, shellCommand } from './_harbor-environment.ts'
import { hasFolder, readText } from './_harbor-folders.ts'
import { type Phase, readUser, readVerifier, verifierKeys } from './_harbor-verifier.ts'
import { isTable, type Table } from './_toml.ts'

const agentKeys = ['timeout_sec', 'user', 'network_mode', 'allowed_hosts']
const stepKeys = ['name', 'agent', 'verifier', 'min_reward', 'healthcheck', 'artifacts']
export const solutionPath = '/solution'

export function readTurns(reader: HarborReader, environment: TaskEnvironment): TaskTurn[] {
  const { root } = reader
  const common: Common = {
    reader,
    environment,
    agent: { table: reader.table(root, 'agent', agentKeys), path: 'agent' },
    verifier: { table: reader.table(root, 'verifier', verifierKeys), path: 'verifier' },
    solutionEnv: readSolutionEnv(reader),
    artifacts: readArtifacts(reader, root, 'artifacts'),
  }
  const steps = reader.list(root, 'steps')
  if (steps.length === 0) return [readSingle(common)]
  const names = new Set<string>()
  return steps.map((step, index) => {
    const turn = readStep(common, reader.asTable(step, `steps[${index}]`, stepKeys), index)
    const name = turn.name ?? ''
    if (names.has(name)) reader.refuse(`steps[${index}].name`, `is "${name}" as in an earlier step`)
    names.add(name)
    return turn
  })
}

interface Common {
  readonly reader: HarborReader
  readonly environment: TaskEnvironment
  readonly agent: Phase
  readonly verifier: Phase
  readonly solutionEnv: Readonly<Record<string, string>>
  readonly artifacts: readonly Artifact[]
}

function readSingle(common: Common): TaskTurn {
  const { reader, environment } = common
  const tests = findFolders(reader, [join(reader.directory, 'tests')])
  return {
    index: 1,
    instruction: readInstruction(reader, join(reader.directory, 'instruction.md'), 'steps'),
    verifier: readVerifier(reader, { task: common.verifier, step: null, tests, environment, context: null }),
    ...readSolution(common, [join(reader.directory, 'solution')]),
    ...readAgent(common, []),
    artifacts: common.artifacts,
  }
}

function readStep(common: Common, table: Table, index: number): TaskTurn {
  const { reader, environment } = common
  const path = `steps[${index}]`
  const name = readName(reader, table, `${path}.name`)
  const folder = join(reader.directory, 'steps', name)
  const agent = { table: reader.table(table, `${path}.agent`, agentKeys), path: `${path}.agent` }
  const step = { table: reader.table(table, `${path}.verifier`, verifierKeys), path: `${path}.verifier` }
  const own = join(folder, 'tests')
  const tests = findFolders(reader, [join(reader.directory, 'tests'), own])
  const context = tests.includes(own) ? own : null
  const healthcheck = readHealthcheck(reader, table, `${path}.healthcheck`)
  return {
    index: index + 1,
    name,
    instruction: readInstruction(reader, join(folder, 'instruction.md'), `${path}.name`),
    verifier: readVerifier(reader, { task: common.verifier, step, tests, environment, context }),
    ...readSolution(common, [join(folder, 'solution'), join(reader.directory, 'solution')]),
    ...readAgent(common, [agent]),
    ...readSetup(reader, join(folder, 'workdir')),
    ...(healthcheck === null ? {} : { healthcheck }),
    ...readMinimum(reader, table, `${path}.min_reward`),
    artifacts: [...common.artifacts, ...readArtifacts(reader, table, `${path}.artifacts`)],
  }
}

function readName(reader: HarborReader, table: Table, path: string): string {
  const name = reader.text(table, path)
  if (name === null) return reader.refuse(path, 'is missing; it names the folder of the step')
  const isFolder = /^[^/\\\0]+$/.test(name) && name !== '.' && name !== '..'
  return isFolder ? name : reader.refuse(path, `must be the name of a folder under steps/, not ${JSON.stringify(name)}`)
}

function readInstruction(reader: HarborReader, file: string, path: string): string {
  const text = stripCanary(readText(reader, file, path))
  return text.trim() === '' ? reader.refuse(path, `needs an instruction; ${file} is empty`) : text
}

/** Comment lines at the top that only mark a benchmark's files are not for the agent. */
export function stripCanary(text: string): string {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const isMark = (line: string): boolean => /canary/i.test(line) && /^\s*(<!--.*-->|#.*)\s*$/.test(line)
  const marks = lines.findIndex(line => !isMark(line))
  if (marks === 0) return lines.join('\n')
  const rest = marks === -1 ? [] : lines.slice(marks)
  const first = rest.findIndex(line => line.trim() !== '')
  return first === -1 ? '' : rest.slice(first).join('\n')
}

function readAgent(common: Common, steps: readonly Phase[]): Pick<TaskTurn, 'timeoutMs' | 'agentUser' | 'agentNetwork'> {
  const { reader } = common
  const phases = [common.agent, ...steps]
  const last = <T>(read: (phase: Phase) => T | null): T | null => phases.map(read).findLast(value => value !== null) ?? null
  const timeout = last(({ table, path }) => reader.number(table, `${path}.timeout_sec`, 0.001))
  const user = last(phase => readUser(reader, phase))
  const network = last(({ table, path }) => readNetwork(reader, table, path))
  return {
    timeoutMs: timeout === null ? null : timeout * 1000,
    ...(user === null ? {} : { agentUser: user }),
    ...(network === null ? {} : { agentNetwork: network }),
  }
}

function readSolutionEnv(reader: HarborReader): Readonly<Record<string, string>> {
  const solution = reader.table(reader.root, 'solution', ['env'])
  return resolveTemplates(reader, reader.map(solution, 'solution.env'), 'solution.env')
}

/** The step's own solution; the task's is for steps that have none. */
function readSolution(common: Common, candidates: readonly string[]): Pick<TaskTurn, 'solution' | 'solutionFiles'> {
  const directory = candidates.find(candidate => existsSync(join(candidate, 'solve.sh')))
  if (directory === undefined) return { solution: null }
  const script = `${solutionPath}/solve.sh`
  return {
    solution: shellCommand(`chmod +x ${script} 2>/dev/null; ${script}`),
    solutionFiles: { trees: [{ directory, to: solutionPath }], env: common.solutionEnv },
  }
}

function readSetup(reader: HarborReader, directory: string): Pick<TaskTurn, 'setup'> {
  if (!hasFolder(reader, directory, 'steps')) return {}
  const command = existsSync(join(directory, 'setup.sh')) ? ['bash', './setup.sh'] : null
  return { setup: { trees: [{ directory, to: '.' }], command } }
}

function readMinimum(reader: HarborReader, table: Table, path: string): Pick<TaskTurn, 'rewardMin'> {
  const value = table['min_reward']
  if (value === undefined) return {}
  const check = (number: unknown, at: string): number =>
    typeof number === 'number' && Number.isFinite(number) ? number : reader.refuse(at, 'must be a number, or a table of numbers')
  if (!isTable(value)) return { rewardMin: { reward: check(value, path) } }
  return { rewardMin: Object.fromEntries(Object.entries(value).map(([key, least]) => [key, check(least, `${path}.${key}`)])) }
}

function readArtifacts(reader: HarborReader, parent: Table, path: string): Artifact[] {
  return reader.list(parent, path).flatMap((entry, index) => {
    const at = `${path}[${index}]`
    if (typeof entry === 'string') return [{ source: readSource(reader, entry, at), destination: null, exclude: [] }]
    const table = reader.asTable(entry, at, ['source', 'destination', 'exclude', 'service'])
    const source = reader.text(table, `${at}.source`)
    if (source === null) return reader.refuse(`${at}.source`, 'is missing')
    const service = reader.text(table, `${at}.service`) ?? 'main'
    if (service !== 'main') {
      reader.warn(`${at}.service`, `names "${service}"; a task here is one container, so the artifact is passed over`)
      return []
    }
    const destination = reader.text(table, `${at}.destination`)
    if (destination !== null && (destination.startsWith('/') || destination.split('/').includes('..')))
      reader.refuse(`${at}.destination`, 'must be a relative path that stays inside the results')
    return [{ source: readSource(reader, source, at), destination, exclude: reader.texts(table, `${at}.exclude`) }]
  })
}

function readSource(reader: HarborReader, source: string, path: string): string {
  if (source.startsWith('/') && !source.split('/').includes('..')) return source
  return reader.refuse(path, `must be an absolute path inside the container, not ${JSON.stringify(source)}`)
}

function findFolders(reader: HarborReader, candidates: readonly string[]): string[] {
  return candidates.filter(candidate => hasFolder(reader, candidate, 'verifier'))
}

export const treeOf = (directory: string): FileTree => ({ directory, to: '.' })
