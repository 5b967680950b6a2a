// What a layer holds of Turnpike itself: a compiled entry, every file it imports, the packages among them as this installation has them, and
// where npm cannot be reached the Node that runs here. Reads and copies; layers.ts decides when, and where to.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import type { AgentLayer } from './agents/_adapter.ts'

type Entry = NonNullable<AgentLayer['entry']>

export interface OwnProgram {
  /** Files below the directory they have in common. */
  readonly root: string
  readonly files: readonly string[]
  /** Place in the layer -> where it stands here. */
  readonly packages: ReadonlyMap<string, string>
  /** Of all it is made of: files by content, packages by name and version. */
  readonly digest: string
}

/** Where it lies in the layer. */
const place = 'program'
/** As the compiler writes them: at the beginning of a line, or called. */
const importForms = [
  /^(?:import|export)\b[^;'"]*?\bfrom ['"]([^'"]+)['"]/gm,
  /^import ['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
]
/** Nobody's at run time. */
const idle = new Set(['.map', '.ts', '.mts', '.cts'])

/** Throws E_BUG for an import that leads nowhere, E_AGENT_INSTALL where nothing was compiled. */
export function listProgram({ file }: Entry): OwnProgram {
  if (!existsSync(file))
    throw new TurnpikeError('E_AGENT_INSTALL', `${file} is not there: Turnpike was not compiled`, { hint: 'npm run build' })
  const found = new Map<string, string>()
  const direct = new Map<string, string>()
  const walk = (path: string): void => {
    if (found.has(path)) return
    const text = readFileSync(path, 'utf8')
    found.set(path, text)
    for (const name of listImports(text)) {
      if (name.startsWith('node:')) continue
      if (!name.startsWith('.')) direct.set(`node_modules/${namePackage(name)}`, findPackage(namePackage(name), dirname(path)))
      else if (existsSync(join(dirname(path), name))) walk(join(dirname(path), name))
      else throw new TurnpikeError('E_BUG', `${path} imports ${name}, which is not there`)
    }
  }
  walk(file)
  const packages = new Map(direct)
  for (const [below, from] of direct) addNeeded(packages, { from, below })
  const root = findRoot([...found.keys()])
  const files = [...found.keys()].sort()
  const hash = createHash('sha256')
  for (const path of files) hash.update(`${relative(root, path)}\0${found.get(path)}\0`)
  for (const [to, from] of [...packages].sort()) hash.update(`${to}\0${readPackage(from).version}\0`)
  return { root, files: files.map(path => relative(root, path)), packages, digest: hash.digest('hex') }
}

const listImports = (text: string): string[] =>
  importForms.flatMap(form => [...text.matchAll(form)].map(match => match[1] ?? '')).filter(name => name !== '')

/** `@scope/name/part` and `name/part` are of the packages `@scope/name` and `name`. */
const namePackage = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

interface PackagePlace {
  readonly from: string
  /** In the layer. */
  readonly below: string
}

/** What a package needs: beside it, or within it where that place is taken by another version. */
function addNeeded(packages: Map<string, string>, { from, below }: PackagePlace): void {
  for (const name of Object.keys(readPackage(from).dependencies ?? {})) {
    const directory = findPackage(name, from)
    // What stands inside a package is copied with it.
    if (directory.startsWith(from + sep)) continue
    const top = `node_modules/${name}`
    const to = (packages.get(top) ?? directory) === directory ? top : `${below}/${top}`
    if (packages.get(to) === directory) continue
    packages.set(to, directory)
    addNeeded(packages, { from: directory, below: to })
  }
}

/** As Node finds it: in the nearest `node_modules` upwards. */
function findPackage(name: string, from: string): string {
  for (let at = from; ; at = dirname(at)) {
    const directory = join(at, 'node_modules', name)
    if (existsSync(join(directory, 'package.json'))) return directory
    if (at === dirname(at)) throw new TurnpikeError('E_BUG', `the package ${name}, imported in ${from}, is not installed`)
  }
}

const readPackage = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    readonly version?: string
    readonly dependencies?: Readonly<Record<string, string>>
  }

function findRoot(files: readonly string[]): string {
  let root = dirname(files[0] ?? sep)
  while (!files.every(path => path.startsWith(root === sep ? sep : root + sep))) root = dirname(root)
  return root
}

/** Into a layer's directory; gives back where its entry lies there. */
export async function copyProgram(entry: Entry, directory: string): Promise<string> {
  const { root, files, packages } = listProgram(entry)
  for (const file of files) {
    await mkdir(dirname(join(directory, place, file)), { recursive: true })
    await cp(join(root, file), join(directory, place, file))
  }
  await writeFile(join(directory, place, 'package.json'), '{"private":true,"type":"module"}\n')
  for (const [to, from] of packages)
    await cp(from, join(directory, to), { recursive: true, dereference: true, filter: path => !idle.has(extname(path)) })
  return join(place, relative(root, entry.file))
}

/** The Node that runs here, if it is one file that runs elsewhere as well; null = it needs libraries of this machine. */
export function findOwnNode(): { readonly file: string; readonly version: string } | null {
  const shared = Object.entries(process.config.variables).some(
    ([name, value]) => name.startsWith('node_shared') && value === true,
  )
  return process.platform !== 'linux' || shared ? null : { file: process.execPath, version: process.version }
}
