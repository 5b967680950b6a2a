// What a run needs of the machine, one function per question. Looks only; of keys it sees whether they are set, never their value.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from '../core/config.ts'
import { asTurnpikeError } from '../core/errors.ts'
import { compileSchema } from '../core/schema.ts'
import { readYaml } from '../core/yaml.ts'
import { type ModelsFile, modelsSchema } from '../proxy/models-file.ts'
import { connectDocker } from '../runner/environments/_docker-client.ts'
import { readEngine } from '../runner/environments/_docker-engine.ts'
import docker from '../runner/environments/docker.ts'
import { listAgents } from './agents-view.ts'
import { cacheDirectory, placeDocker } from './machine-places.ts'
import { checkTmux } from './tmux-check.ts'

export interface Finding {
  readonly name: string
  /** `warn`: works, but not everything. */
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** What to do; null when nothing needs doing. */
  readonly advice: string | null
}

/** As in package.json. */
const nodeMin = { major: 20, minor: 19 }
/** A few hundred trials; agents' workspaces come on top. */
const freeBytesMin = 1024 ** 3

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (major > nodeMin.major || (major === nodeMin.major && minor >= nodeMin.minor))
    return { name: 'node', state: 'ok', found: version, advice: null }
  return { name: 'node', state: 'fail', found: version, advice: `install Node.js ${nodeMin.major}.${nodeMin.minor} or newer` }
}

export async function checkGit(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'])
    return { name: 'git', state: 'ok', found: stdout.trim(), advice: null }
  } catch {
    return {
      name: 'git',
      state: 'warn',
      found: 'not found',
      advice: 'install git: without it runs work, but keep no snapshots of workspaces',
    }
  }
}

export async function checkDisk(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(nearestExisting(directory))
  const freeBytes = bavail * bsize
  const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`
  if (freeBytes >= freeBytesMin) return { name: 'disk', state: 'ok', found, advice: null }
  return { name: 'disk', state: 'warn', found, advice: 'free some space, or put the store elsewhere with --store' }
}

/** Tries it, because permissions alone do not tell of read-only mounts and quotas. Leaves nothing behind. */
export async function checkStore(directory: string): Promise<Finding> {
  const place = nearestExisting(directory)
  try {
    const probe = await mkdtemp(join(place, '.turnpike-probe-'))
    await writeFile(join(probe, 'probe'), 'x')
    await rm(probe, { recursive: true })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const advice = `make ${place} writable, or put the store elsewhere with --store`
    return { name: 'store', state: 'fail', found: `cannot write in ${place}: ${reason}`, advice }
  }
  const found = existsSync(directory) ? `${directory} can be written` : `${directory} can be made`
  return { name: 'store', state: 'ok', found, advice: null }
}

export async function checkPort(host: string, port: number): Promise<Finding> {
  const server = createServer()
  const error = await new Promise<Error | null>(resolve => {
    server.once('error', resolve)
    server.listen(port, host, () => resolve(null))
  })
  server.close()
  if (error === null) return { name: 'port', state: 'ok', found: `${host}:${port} is free`, advice: null }
  const advice = 'stop what listens there, or choose another with --port (0 takes a free one)'
  return { name: 'port', state: 'warn', found: `${host}:${port}: ${error.message}`, advice }
}

/** Which variables with provider keys are set. None at all is no failure: the simulated provider and the agent's own key need none. */
export async function checkKeys(file: string, environment: Environment): Promise<Finding> {
  let models: ModelsFile
  try {
    const located = readYaml(await readFile(file, 'utf8'), file, { code: 'E_MODELS_INVALID' })
    models = compileSchema<ModelsFile>(modelsSchema).read(located, 'E_MODELS_INVALID')
  } catch (error) {
    return {
      name: 'keys',
      state: 'fail',
      found: asTurnpikeError(error).message,
      advice: 'correct or name the models file (--models)',
    }
  }
  const variables = [...new Set(Object.values(models.providers).flatMap(provider => provider.key_env ?? []))]
  const [set, unset] = [variables.filter(name => environment[name]), variables.filter(name => !environment[name])]
  const found = `set: ${set.join(', ') || 'none'}; not set: ${unset.join(', ') || 'none'}`
  if (set.length > 0) return { name: 'keys', state: 'ok', found, advice: null }
  const advice = 'set the key of the provider you want where turnpike runs, or use --simulated'
  return { name: 'keys', state: 'warn', found, advice }
}

/** Only `--env docker` needs one, so none is a note. */
export async function checkContainers(environment: Environment): Promise<Finding> {
  connectDocker(placeDocker(environment))
  const trouble = await docker.probe()
  if (trouble !== null)
    return {
      name: 'containers',
      state: 'warn',
      found: trouble.what,
      advice: trouble.hint.includes('--env local') ? trouble.hint : `${trouble.hint}, or use --env local`,
    }
  const { name, version, isRootless, keepsLimits } = await readEngine()
  const found = `${name} ${version}${isRootless ? ', rootless,' : ''} answers (--env docker)`
  if (keepsLimits) return { name: 'containers', state: 'ok', found, advice: null }
  return {
    name: 'containers',
    state: 'warn',
    found: `${found}; memory, processors and processes of tasks are not limited`,
    advice: 'use cgroup version 2, or a daemon of root: docs/environments.md',
  }
}

/** Programs of agents that a run would install first, and what it would install them with. */
export async function checkAgents(directory: string, path: string): Promise<Finding> {
  const rows = listAgents(directory, path)
  const [here, fetched] = [rows.filter(row => row.program === 'installed'), rows.filter(row => row.program === 'not installed')]
  const found = `installed: ${here.map(row => row.id).join(', ') || 'none'}; installed when needed: ${fetched.map(row => row.id).join(', ') || 'none'}`
  const npm = await promisify(execFile)('npm', ['--version'], { env: { ...process.env, PATH: path } }).catch(() => null)
  if (npm !== null || fetched.length === 0) return { name: 'agents', state: 'ok', found, advice: null }
  return {
    name: 'agents',
    state: 'warn',
    found: `${found}; npm was not found`,
    advice: 'install npm: it fetches programs of agents',
  }
}

type Environment = Readonly<Record<string, string | undefined>>

export async function checkAll(config: Config, modelsFile: string, environment: Environment): Promise<Finding[]> {
  return [
    checkNode(process.version),
    await checkGit(),
    await checkTmux(environment['PATH']),
    await checkDisk(config.store),
    await checkStore(config.store),
    await checkPort(config.proxy.host, config.proxy.port),
    await checkKeys(modelsFile, environment),
    await checkContainers(environment),
    await checkAgents(config.agents.directory ?? cacheDirectory(environment, 'agents'), environment['PATH'] ?? ''),
  ]
}

function nearestExisting(path: string): string {
  let folder = path
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}
