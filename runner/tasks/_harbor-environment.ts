// The [environment] of a Harbor task, or of a separate verifier: image, limits, network, variables, health check. Deprecated keys
// are mapped to their successors; what cannot be given here is a warning, so that nobody believes it was.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Healthcheck, NetworkPolicy, TaskEnvironment } from '../../core/task.ts'
import type { LoadOptions } from './_adapter.ts'
import { hasFile, hasFolder } from './_harbor-folders.ts'
import type { Table, TomlReader } from './_toml.ts'

export interface HarborReader extends TomlReader {
  readonly options: LoadOptions
  /** The task's directory. */
  readonly directory: string
}

export const environmentKeys = [
  ...['build_timeout_sec', 'docker_image', 'os', 'cpus', 'memory_mb', 'storage_mb', 'gpus', 'gpu_types', 'tpu'],
  ...['network_mode', 'allowed_hosts', 'mcp_servers', 'env', 'skills_dir', 'healthcheck', 'workdir'],
  ...['allow_internet', 'memory', 'storage', 'definition'],
] as const

const notGiven = ['gpus', 'gpu_types', 'tpu', 'mcp_servers', 'skills_dir'] as const

/** `context` is where a Dockerfile may stand. */
export function readEnvironment(reader: HarborReader, parent: Table, path: string, context: string): TaskEnvironment {
  const table = reader.table(parent, path, environmentKeys)
  const at = (name: string): string => `${path}.${name}`
  const os = reader.text(table, at('os'))?.toLowerCase() ?? 'linux'
  if (os === 'windows') reader.refuse(at('os'), 'is windows: only Linux containers can be run')
  if (os !== 'linux') reader.refuse(at('os'), `must be linux or windows, not ${JSON.stringify(os)}`)
  for (const name of notGiven) {
    const value = table[name]
    const asked = value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0)
    if (asked) reader.warn(at(name), 'is read and not given to the agent: no environment here has it')
  }
  return {
    image: readImage(reader, table, at('docker_image'), context),
    cpus: reader.number(table, at('cpus'), 0.01),
    memoryMb: reader.integer(table, at('memory_mb'), 1) ?? readSize(reader, table, at('memory')),
    storageMb: reader.integer(table, at('storage_mb'), 1) ?? readSize(reader, table, at('storage')),
    network: readBaseline(reader, table, path),
    env: resolveTemplates(reader, reader.map(table, at('env')), at('env')),
    workdir: reader.text(table, at('workdir')),
    healthcheck: readHealthcheck(reader, table, at('healthcheck')),
    buildTimeoutMs: (reader.number(table, at('build_timeout_sec'), 0.001) ?? 600) * 1000,
  }
}

function readImage(reader: HarborReader, table: Table, path: string, context: string): TaskEnvironment['image'] {
  const name = reader.text(table, path)
  const compose = ['docker-compose.yaml', 'docker-compose.yml'].find(file => existsSync(join(context, file)))
  const isBuilt = hasFile(reader, join(context, 'Dockerfile'), path)
  if (compose !== undefined && (name !== null || isBuilt))
    reader.warn(
      path,
      `has ${join(context, compose)} beside it, which is passed over: a task is one container, without what is added there`,
    )
  if (name !== null) return name === '' ? reader.refuse(path, 'is empty; it must name an image') : { kind: 'name', name }
  if (isBuilt) return { kind: 'build', context, dockerfile: 'Dockerfile' }
  if (compose !== undefined) return reader.refuse(path, `is missing, and ${compose} cannot be run here: a task is one container`)
  return reader.refuse(path, `is missing, and there is no ${join(context, 'Dockerfile')}`)
}

/** Files beside a named image: they belong into its working directory. */
export function listLooseFiles(reader: HarborReader, environment: TaskEnvironment, context: string): boolean {
  if (environment.image?.kind !== 'name' || !hasFolder(reader, context, 'environment')) return false
  return readdirSync(context).some(name => name !== 'Dockerfile' && !name.startsWith('docker-compose.'))
}

/** Harbor runs commands of tasks by bash, scripts that do not name their shell among them; an image without one has `sh`. */
export const shellCommand = (script: string): readonly string[] => [
  'sh',
  '-c',
  'if [ -x /bin/bash ]; then exec /bin/bash -c "$1"; fi; exec sh -c "$1"',
  'sh',
  script,
]

const modes = ['no-network', 'public', 'allowlist'] as const

function readBaseline(reader: HarborReader, table: Table, path: string): NetworkPolicy {
  const found = readNetwork(reader, table, path)
  if (found !== null) return found
  const internet = reader.boolean(table, `${path}.allow_internet`)
  // Harbor says public where nothing is said.
  return { mode: internet === false ? 'proxy' : 'public', hosts: [] }
}

/** Null where nothing is said. Without any network an agent could not reach its model: that much is always open. */
export function readNetwork(reader: HarborReader, table: Table, path: string): NetworkPolicy | null {
  const mode = reader.choice(table, `${path}.network_mode`, modes)
  const hosts = reader
    .texts(table, `${path}.allowed_hosts`)
    .map((host, index) => readHost(reader, host, `${path}.allowed_hosts[${index}]`))
  if (hosts.length > 0 && mode !== 'allowlist')
    return reader.refuse(`${path}.allowed_hosts`, 'is only allowed with network_mode = "allowlist"')
  if (mode === null) return null
  if (mode === 'allowlist') return { mode: 'allow-list', hosts }
  return { mode: mode === 'no-network' ? 'proxy' : 'public', hosts: [] }
}

function readHost(reader: HarborReader, host: string, path: string): string {
  const name = host.trim().toLowerCase().replace(/\.$/, '')
  const isName = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/.test(name)
  const isAddress = /^[0-9a-f:.]+(\/\d{1,3})?$/.test(name)
  if (isName || isAddress) return name
  return reader.refuse(path, `must be a host name, *.suffix, address or CIDR range, not ${JSON.stringify(host)}`)
}

export function readHealthcheck(reader: HarborReader, parent: Table, path: string): Healthcheck | null {
  const keys = ['command', 'interval_sec', 'timeout_sec', 'start_period_sec', 'start_interval_sec', 'retries']
  if (!reader.has(parent, path)) return null
  const table = reader.table(parent, path, keys)
  const command = reader.text(table, `${path}.command`)
  if (!command?.trim()) return reader.refuse(`${path}.command`, 'is missing or empty')
  const ms = (name: string, fallback: number): number => (reader.number(table, `${path}.${name}`, 0) ?? fallback) * 1000
  return {
    command: shellCommand(command),
    intervalMs: ms('interval_sec', 5),
    timeoutMs: ms('timeout_sec', 30),
    startPeriodMs: ms('start_period_sec', 0),
    startIntervalMs: ms('start_interval_sec', 5),
    retries: reader.integer(table, `${path}.retries`, 0) ?? 3,
  }
}

/** Older tasks write sizes as "2G", "512M", "2048K". */
function readSize(reader: HarborReader, table: Table, path: string): number | null {
  const text = reader.text(table, path)
  if (text === null) return null
  const [, digits = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmg])i?b?\s*$/i.exec(text) ?? []
  if (digits === '') return reader.refuse(path, `must be a size such as "2G" or "512M", not ${JSON.stringify(text)}`)
  const mb = { k: 1 / 1024, m: 1, g: 1024 }[unit.toLowerCase()] ?? 1
  return Math.max(Math.ceil(Number(digits) * mb), 1)
}

/** Values that are exactly `${NAME}` or `${NAME:-default}` come from the caller's environment. */
export function resolveTemplates(
  reader: HarborReader,
  map: Readonly<Record<string, string>>,
  path: string,
): Record<string, string> {
  const { environment } = reader.options
  const resolve = (name: string, value: string): string => {
    const template = /^\$\{([A-Za-z_]\w*)(?::-(.*))?\}$/s.exec(value)
    if (template === null || environment === null) return value
    const [, variable = '', fallback] = template
    return (
      environment[variable] ?? fallback ?? reader.refuse(`${path}.${name}`, `needs the variable ${variable}, which is not set`)
    )
  }
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, resolve(name, value)]))
}
