// Layers are made by the real npm from a registry of the test's own, so that what is tested is what happens.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import type { AgentLayer } from '../../runner/agents/_adapter.ts'
import { isPrepared, type LayerOptions, placeLayer, prepareLayer } from '../../runner/layers.ts'
import { findOwnNode } from '../../runner/own-programs.ts'
import { atEnd, makeDirectory, never } from './_sandbox.ts'

interface Package {
  readonly name: string
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
}

const node = `node-${process.platform}-${process.arch}`
const packages: readonly Package[] = [
  {
    name: '@makers/agent',
    version: '1.2.3',
    bin: { agent: 'cli.js', other: 'other.sh' },
    files: {
      'cli.js':
        '#!/usr/bin/env -S node --no-warnings\nconsole.log(JSON.stringify([process.argv.slice(2), process.execArgv, process.env.CARRIED]))\n',
      'other.sh': '#!/bin/sh\necho native "$@"\n',
    },
  },
  {
    name: node,
    version: '24.21.0',
    files: {
      'bin/node': `#!/bin/sh\nCARRIED=yes exec ${process.execPath} "$@"\n`,
      'include/node/node.h': 'for compilers',
      'share/man/man1/node.1': 'for people',
    },
  },
]

const layer: AgentLayer = {
  ...{ id: 'maker', version: '1.2.3', packages: [{ name: '@makers/agent', version: '1.2.3' }] },
  ...{ nodeMajor: 24, systemPackages: [], programs: ['agent'] },
}

interface Registry {
  readonly options: LayerOptions
  readonly said: string[]
  /** Tarballs it has given away. */
  readonly given: () => number
  readonly close: () => void
}

function packTarball(directory: string, { name, version, bin, files }: Package): Buffer {
  const folder = join(directory, name.replace('/', '+'), 'package')
  for (const [path, text] of Object.entries({ ...files, 'package.json': JSON.stringify({ name, version, bin }) })) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text, { mode: 0o755 })
  }
  return execFileSync('tar', ['-C', join(folder, '..'), '-czf', '-', 'package'])
}

async function openRegistry(): Promise<Registry> {
  const directory = makeDirectory()
  const tarballs = new Map(packages.map(entry => [entry.name, packTarball(directory, entry)]))
  let given = 0
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1))
    const found = packages.find(({ name }) => path === name || path === `${name}.tgz`)
    const tarball = tarballs.get(found?.name ?? '')
    if (found === undefined || tarball === undefined) return void response.writeHead(404).end('{}')
    if (path.endsWith('.tgz')) {
      given++
      return void response.end(tarball)
    }
    const { name, version, bin } = found
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const dist = { tarball: `http://${request.headers.host}/${name}.tgz`, integrity }
    const versions = { [version]: { name, version, bin, dist } }
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => void server.close()
  atEnd(close)
  const said: string[] = []
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    npm_config_cache: join(directory, 'cache'),
    npm_config_fetch_retries: '0',
  }
  const options = {
    directory: join(directory, 'agents'),
    env,
    signal: never,
    onProgress: (message: string) => said.push(message),
  }
  return { options, said, given: () => given, close }
}

let registry: Registry
beforeEach(async () => {
  registry = await openRegistry()
})

const listLayers = (): string[] => readdirSync(registry.options.directory).filter(name => name !== '.in-use')
const run = (directory: string, program: string, ...words: string[]): string =>
  execFileSync(join(directory, 'bin', program), words, { env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' }).trim()

it('makes a program that starts with the Node it carries, wherever the layer lies', async () => {
  const directory = await prepareLayer({ ...layer, programs: ['agent', 'other'] }, registry.options)
  expect(readdirSync(join(directory, 'bin')).sort()).toEqual(['agent', 'other'])
  expect(JSON.parse(run(directory, 'agent', 'a b', '$c'))).toEqual([['a b', '$c'], ['--no-warnings'], 'yes'])
  expect(run(directory, 'other', 'x')).toBe('native x')
  // Of Node only what it takes to run.
  expect(readdirSync(join(directory, 'node_modules', node)).sort()).toEqual(['bin', 'package.json'])
  renameSync(directory, `${directory}-elsewhere`)
  expect(JSON.parse(run(`${directory}-elsewhere`, 'agent'))).toEqual([[], ['--no-warnings'], 'yes'])
  expect(registry.said).toEqual([
    expect.stringMatching(/^installing maker 1\.2\.3/),
    expect.stringMatching(/^maker 1\.2\.3 is ready/),
  ])
})

it('is made once, by however many it is asked for, and needs no network afterwards', async () => {
  const made = await Promise.all([1, 2, 3].map(() => prepareLayer(layer, registry.options)))
  expect(new Set(made).size).toBe(1)
  expect(registry.given()).toBe(2)
  registry.close()
  expect(await prepareLayer(layer, { ...registry.options, env: {} })).toBe(made[0])
  expect(isPrepared(layer, registry.options.directory)).toBe(true)
  expect(listLayers()).toHaveLength(1)
})

it('takes the layer of another process that was faster', async () => {
  const place = placeLayer(layer, registry.options.directory)
  const making = prepareLayer(layer, registry.options)
  mkdirSync(join(place, 'bin'), { recursive: true })
  writeFileSync(join(place, 'theirs'), '')
  expect(await making).toBe(place)
  expect(existsSync(join(place, 'theirs'))).toBe(true)
  expect(listLayers()).toHaveLength(1)
})

it('says what npm said when it fails, and leaves nothing', async () => {
  const absent = { ...layer, version: '9.9.9', packages: [{ name: '@makers/agent', version: '9.9.9' }] }
  await expect(prepareLayer(absent, registry.options)).rejects.toMatchObject({
    code: 'E_AGENT_INSTALL',
    message: expect.stringMatching(/@makers\/agent@9\.9\.9: [\s\S]*(ETARGET|No matching version)/),
  })
  await expect(prepareLayer({ ...layer, programs: ['agnet'] }, registry.options)).rejects.toMatchObject({
    code: 'E_AGENT_INSTALL',
    message: 'maker 1.2.3 was installed, but has no program agnet',
  })
  await expect(prepareLayer(layer, { ...registry.options, env: { PATH: '/nowhere' } })).rejects.toMatchObject({
    code: 'E_AGENT_INSTALL',
  })
  expect(listLayers()).toEqual([])
})

it('can be interrupted', async () => {
  const control = new AbortController()
  const making = prepareLayer(layer, { ...registry.options, signal: control.signal })
  control.abort(new Error('enough'))
  await expect(making).rejects.toThrow('enough')
  expect(listLayers()).toEqual([])
})

it('clears away what a killed process has begun, and nothing of a living one', async () => {
  const { directory } = registry.options
  mkdirSync(join(directory, '.making-999999999-a'), { recursive: true })
  mkdirSync(join(directory, `.making-${process.ppid}-b`))
  await prepareLayer(layer, registry.options)
  expect(readdirSync(directory).filter(name => name.startsWith('.making'))).toEqual([`.making-${process.ppid}-b`])
})

it('is another one for another version, package, Node or set of programs', () => {
  const others: readonly AgentLayer[] = [
    layer,
    { ...layer, version: '1.2.4' },
    { ...layer, packages: [{ name: '@makers/agent', version: '1.2.4' }] },
    { ...layer, nodeMajor: null },
    { ...layer, programs: ['other'] },
  ]
  expect(new Set(others.map(other => placeLayer(other, '/x'))).size).toBe(others.length)
  expect(readFileSync('runner/agents/_programs.ts', 'utf8')).not.toMatch(/version: '[^'\d]/)
})

/** A program of ours: one file beside another. */
function writeOwn(text = 'carried'): AgentLayer {
  const folder = makeDirectory()
  writeFileSync(join(folder, 'words.js'), `export const words = '${text}'\n`)
  const file = join(folder, 'main.js')
  writeFileSync(file, "import { words } from './words.js'\nconsole.log(words, process.env.CARRIED, process.argv[2])\n")
  return {
    ...{ id: 'own', version: 'own', packages: [], nodeMajor: 24, systemPackages: [] },
    entry: { program: 'own-program', file },
  }
}

it('holds a program of our own and the Node it starts with, under a name of its content', async () => {
  const own = writeOwn()
  const directory = await prepareLayer(own, registry.options)
  expect(readdirSync(join(directory, 'bin'))).toEqual(['own-program'])
  expect(run(directory, 'own-program', 'a b')).toBe('carried yes a b')
  expect(registry.given()).toBe(1)
  expect(placeLayer(own, '/x')).not.toBe(placeLayer(writeOwn('other words'), '/x'))
  expect(readFileSync(join(directory, 'layer.json'), 'utf8')).not.toContain(own.entry?.file)
})

it('asks npm for nothing where nothing of npm is needed', async () => {
  const bare = { ...writeOwn(), nodeMajor: null }
  const directory = await prepareLayer(bare, { ...registry.options, env: { PATH: '/nowhere' } })
  expect(readFileSync(join(directory, 'bin', 'own-program'), 'utf8')).toContain('exec node "$here/')
})

it.skipIf(findOwnNode() === null)(
  'gives our own program the Node of this machine where npm has none, and keeps to it',
  async () => {
    const offline = { ...registry.options, env: { PATH: '/nowhere' } }
    const own = writeOwn()
    const directory = await prepareLayer(own, offline)
    expect(directory).not.toBe(placeLayer(own, offline.directory))
    expect(run(directory, 'own-program', 'x')).toBe('carried undefined x')
    expect(registry.said.join('\n')).toContain(`it gets a copy of this one (${process.version})`)
    // Not asked for again, also where npm could be reached by now.
    expect(await prepareLayer(own, registry.options)).toBe(directory)
    expect(registry.given()).toBe(0)
    // Programs of others are what npm has or nothing.
    await expect(prepareLayer(layer, offline)).rejects.toMatchObject({ code: 'E_AGENT_INSTALL' })
  },
)
