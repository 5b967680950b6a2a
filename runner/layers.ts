// Programs of agents on this machine: npm packages in exact versions or a program of our own, and the Node they need, put once per version
// into a cache and from then on only read. A layer is whole or not there: it is made beside its place and renamed. Nothing is made per trial.

import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import { layerInstallMs, outputCharsMax } from '../core/limits.ts'
import type { AgentLayer } from './agents/_adapter.ts'
import { markUse } from './layer-uses.ts'
import { copyProgram, findOwnNode, listProgram } from './own-programs.ts'
import { runGroup } from './processes.ts'

export interface LayerOptions {
  /** The cache: one directory in it per layer. */
  readonly directory: string
  /** For npm: its path, its home with a registry and credentials. Nothing of it gets into the layer. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly onProgress: (message: string) => void
}

export interface PreparedLayer {
  readonly layer: AgentLayer
  readonly directory: string
}

/** Exact, as all versions here; the newest of each major when this was written. */
const nodeVersions: Readonly<Record<number, string>> = { 24: '24.21.0' }
/** What is written changes with it: layers of an older form are left where they are and not used. */
const form = 2
const temporaryPrefix = '.making-'

const making = new Map<string, Promise<string>>()

/** Where a layer stands or would stand: named by everything that it is made of. */
export function placeLayer(layer: AgentLayer, directory: string, node = nodePackage(layer)): string {
  const own = layer.entry === undefined ? [] : [layer.entry.program, listProgram(layer.entry).digest]
  const asked = JSON.stringify([form, process.platform, process.arch, layer.packages, node, layer.programs, ...own])
  const digest = createHash('sha256').update(asked).digest('hex').slice(0, 12)
  return join(directory, `${layer.id}-${layer.version}-${digest}`)
}

export const isPrepared = (layer: AgentLayer, directory: string): boolean => existsSync(placeLayer(layer, directory))

/** Every place where this Turnpike would take the layer from. */
export function listPlaces(layer: AgentLayer, directory: string): string[] {
  const places = [placeLayer(layer, directory)]
  const spare = findSpare(layer, directory)
  return spare === null ? places : [...places, spare.place]
}

/** The layer's directory, installed when it is not there yet; its programs are in `bin`. Throws E_AGENT_INSTALL. */
export function prepareLayer(layer: AgentLayer, options: LayerOptions): Promise<string> {
  const place = placeLayer(layer, options.directory)
  const running = making.get(place)
  if (running !== undefined) return running
  const started = makeLayer(layer, place, options).finally(() => making.delete(place))
  making.set(place, started)
  return started
}

async function makeLayer(layer: AgentLayer, place: string, options: LayerOptions): Promise<string> {
  await markUse(options.directory, basename(place))
  if (existsSync(place)) return place
  const spare = findSpare(layer, options.directory)
  if (spare !== null) await markUse(options.directory, basename(spare.place))
  if (spare !== null && existsSync(spare.place)) return spare.place
  try {
    return await fillLayer(layer, place, options, null)
  } catch (error) {
    if (spare === null || !isTurnpikeError(error) || error.code !== 'E_AGENT_INSTALL') throw error
    options.onProgress(`${nameLayer(layer)}: npm could not give it a Node, so it gets a copy of this one (${spare.version})`)
    return fillLayer(layer, spare.place, options, spare.file)
  }
}

/** Our own programs need nothing of npm but Node, and the one that runs here will do. Another layer, since its content is another. */
function findSpare(layer: AgentLayer, directory: string) {
  const node = layer.entry !== undefined && layer.packages.length === 0 ? findOwnNode() : null
  return node === null ? null : { ...node, place: placeLayer(layer, directory, `this machine's ${node.version}`) }
}

async function fillLayer(layer: AgentLayer, place: string, options: LayerOptions, ownNode: string | null): Promise<string> {
  options.onProgress(`installing ${nameLayer(layer)} (once; kept in ${options.directory})`)
  const startedAt = performance.now()
  await mkdir(options.directory, { recursive: true })
  await removeAbandoned(options.directory)
  const temporary = join(options.directory, `${temporaryPrefix}${process.pid}-${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(temporary)
    if (ownNode === null) await install(layer, temporary, options)
    else await copyNode(layer, temporary, ownNode)
    await mkdir(join(temporary, 'bin'))
    for (const program of layer.programs ?? []) await writeLinkedStarter(layer, temporary, program)
    const { entry, ...told } = layer
    if (entry !== undefined) {
      const file = await copyProgram(entry, temporary)
      await writeStarter(temporary, entry.program, [carriedNode(layer) ?? 'node', `"$here/${file}"`])
    }
    const node = ownNode ?? nodePackage(layer)
    await writeFile(join(temporary, 'layer.json'), `${JSON.stringify({ ...told, node }, null, 2)}\n`)
    await settle(temporary, place)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  options.onProgress(`${nameLayer(layer)} is ready (${((performance.now() - startedAt) / 1000).toFixed(0)} s)`)
  return place
}

const nameLayer = ({ id, version, entry }: AgentLayer): string => (entry === undefined ? `${id} ${version}` : id)

/** Another process may have been faster: then its layer is as good. */
async function settle(temporary: string, place: string): Promise<void> {
  try {
    await rename(temporary, place)
  } catch (error) {
    if (!existsSync(place)) throw error
  }
}

async function install(layer: AgentLayer, directory: string, options: LayerOptions): Promise<void> {
  const packages = layer.packages.map(({ name, version }) => `${name}@${version}`)
  const node = nodePackage(layer)
  const wanted = [...packages, ...(node === null ? [] : [node])]
  if (wanted.length === 0) return
  await writeFile(join(directory, 'package.json'), '{"private":true}\n')
  const env = Object.fromEntries(Object.entries(options.env).filter((pair): pair is [string, string] => pair[1] !== undefined))
  const result = await runGroup({
    argv: [
      'npm',
      'install',
      '--prefix',
      directory,
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--loglevel=error',
      '--save-exact',
      ...wanted,
    ],
    cwd: directory,
    env,
    timeoutMs: layerInstallMs,
    signal: options.signal,
    outputCharsMax,
  })
  if (result.ended === 'interrupted') throw options.signal.reason
  if (result.exit === 0) return stripNode(layer, directory)
  const why = result.startFailure ?? lastLines(result.stderr || result.stdout)
  throw new TurnpikeError(
    'E_AGENT_INSTALL',
    `npm could not install ${(packages.length === 0 ? wanted : packages).join(' ')}: ${why}`,
  )
}

/** For people and compilers: most of the files that a layer would have, and each is copied into every image. */
async function stripNode(layer: AgentLayer, directory: string): Promise<void> {
  const node = placeNode(layer)
  if (node === null) return
  for (const name of ['include', 'share']) await rm(join(directory, node, '..', '..', name), { recursive: true, force: true })
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-6).join('\n')

function nodePackage({ nodeMajor }: AgentLayer): string | null {
  if (nodeMajor === null) return null
  const version = nodeVersions[nodeMajor]
  if (version === undefined) throw new TurnpikeError('E_BUG', `no version is pinned for Node ${nodeMajor}`)
  return `node-${process.platform}-${process.arch}@${version}`
}

/** The Node of this process, where npm's would lie. */
async function copyNode(layer: AgentLayer, directory: string, file: string): Promise<void> {
  const to = join(directory, placeNode(layer) ?? 'node')
  await mkdir(dirname(to), { recursive: true })
  await copyFile(file, to)
}

function placeNode(layer: AgentLayer): string | null {
  const node = nodePackage(layer)
  return node === null ? null : `node_modules/${node.slice(0, node.lastIndexOf('@'))}/bin/node`
}

function carriedNode(layer: AgentLayer): string | null {
  const place = placeNode(layer)
  return place === null ? null : `"$here/${place}"`
}

/** For a program that npm has linked: with the Node that the layer carries, if it is a script for Node. */
async function writeLinkedStarter(layer: AgentLayer, directory: string, program: string): Promise<void> {
  const link = join('node_modules', '.bin', program)
  const target = await readlink(join(directory, link)).catch(() => {
    throw new TurnpikeError('E_AGENT_INSTALL', `${nameLayer(layer)} was installed, but has no program ${program}`, {
      hint: 'another version may name it differently: turnpike agents lists the versions that were tried',
    })
  })
  const file = normalize(join('node_modules', '.bin', target))
  const words = await readInterpreter(join(directory, file))
  const carried = carriedNode(layer)
  await writeStarter(directory, program, [...(words === null || carried === null ? [] : [carried, ...words]), `"$here/${file}"`])
}

/**
 * Starts the program wherever the layer lies. Only this is on an agent's path: neither the carried Node nor programs of its packages may stand
 * before those of the task.
 */
async function writeStarter(directory: string, program: string, words: readonly string[]): Promise<void> {
  const path = join(directory, 'bin', program)
  await writeFile(path, `#!/bin/sh\nhere=\${0%/*}/..\nexec ${words.join(' ')} "$@"\n`)
  await chmod(path, 0o755)
}

/** Words after `node` in the first line of a script for Node; null for anything else. */
async function readInterpreter(file: string): Promise<readonly string[] | null> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
    const first = buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? ''
    const found = /^#!\S*?(?:env(?: -S)? |\/)node(?: (.*))?$/.exec(first.trimEnd())
    return found === null ? null : (found[1] ?? '').split(' ').filter(word => word !== '')
  } finally {
    await handle.close()
  }
}

/** What processes that are dead by now have begun. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const owner = Number(/^\.making-(\d+)-/.exec(name)?.[1] ?? Number.NaN)
    if (!Number.isNaN(owner) && !isAlive(owner)) await rm(join(directory, name), { recursive: true, force: true })
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}
