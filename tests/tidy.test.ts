// The house style as a test: what biome and dependency-cruiser cannot see. Everything here failed on a planted violation once.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadCommands } from '../cli/commands/_all.ts'
import { configKeys } from '../core/config-keys.ts'
import { errorCatalogue } from '../core/errors.ts'
import { readYaml } from '../core/yaml.ts'
import { topical, unmirrored } from './unmirrored.ts'

const commands = await loadCommands([])
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const productFolders = ['core', 'protocols', 'proxy', 'store', 'runner', 'scenarios', 'convert', 'judge', 'report', 'cli']

/** Everything in the tree that is neither installed nor built. */
function listFiles(folder: string): string[] {
  const skipped = new Set(['node_modules', 'dist', '.git', '.turnpike', 'coverage'])
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (skipped.has(entry.name) || entry.name.startsWith('dist.')) return []
    if (entry.isDirectory()) return listFiles(path)
    return entry.isFile() ? [path] : []
  })
}

const files = listFiles('')
const product = files.filter(path => path.endsWith('.ts') && productFolders.includes(path.split('/')[0] ?? ''))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
/** Strings and comments replaced by blanks of the same shape, so that only code is searched. */
const codeOf = (path: string): string =>
  read(path)
    .replace(/\/\*[\s\S]*?\*\//g, text => text.replace(/[^\n]/g, ' '))
    .replace(/(^|[\s;{}(,])\/\/[^\n]*/g, text => text.replace(/[^\n]/g, ' '))

function findLines(paths: readonly string[], pattern: RegExp, textOf: (path: string) => string): string[] {
  return paths.flatMap(path =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )
}

describe('each product file', () => {
  it.each(product)('%s opens with a comment of one to five lines', path => {
    const lines = read(path).split('\n')
    const start = lines[0]?.startsWith('#!') ? 1 : 0
    const end = lines.findIndex((line, index) => index >= start && !line.startsWith('//'))
    expect(end - start, 'comment lines at the top').toBeGreaterThanOrEqual(1)
    expect(end - start, 'comment lines at the top').toBeLessThanOrEqual(5)
  })

  it.each(product)('%s has at most 260 lines (250 are meant)', path => {
    const allowed = path === 'core/types.ts' ? 400 : 260
    expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(allowed)
  })

  const excused = unmirrored.flatMap(entry => entry.files.map(file => ({ file, ...entry })))

  it('has a test of its own, or a written reason why not', () => {
    const mirror = (path: string): string => `tests/${path.replace(/\.ts$/, '.test.ts')}`
    const without = product.filter(path => !files.includes(mirror(path)) && !basename(path).startsWith('_'))
    expect(without.filter(path => !excused.some(entry => entry.file === path))).toEqual([])
    expect(
      excused.map(entry => entry.file).filter(path => !without.includes(path)),
      'reasons no longer needed',
    ).toEqual([])
    for (const { reason, file } of excused) expect(reason.length, file).toBeGreaterThan(15)
  })

  it('without a test of its own is reached by the test that is named in its stead', () => {
    const unreached = excused.filter(({ file, testedBy }) => testedBy !== null && !reach(testedBy, new Set()).has(file))
    expect(unreached.map(({ file, testedBy }) => `${file} is not reached by ${testedBy}`)).toEqual([])
  })

  /** What a file starts as a process or thread of its own, which imports do not show. */
  const starts: Readonly<Record<string, string>> = {
    'tests/cli/_cli.ts': 'cli/main.ts',
    'tests/runner/mini/main.test.ts': 'runner/mini/main.ts',
    'tests/runner/terminus/main.test.ts': 'runner/terminus/main.ts',
    'store/writer.ts': 'store/writer-thread.ts',
    'runner/launcher.ts': 'runner/launcher-process.ts',
    'tests/convert/pool/pool.test.ts': 'cli/convert-thread.ts',
    'cli/commands/convert.ts': 'cli/convert-thread.ts',
  }

  function reach(path: string, seen: Set<string>): Set<string> {
    if (seen.has(path) || !files.includes(path)) return seen
    seen.add(path)
    for (const match of read(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) reach(join(dirname(path), match[1] ?? ''), seen)
    const started = starts[path]
    return started === undefined ? seen : reach(started, seen)
  }
})

describe('each test file', () => {
  const free = ['conformance', 'property', 'faults', 'real', 'configs', 'scripts', 'bench']
  it('mirrors a product file that exists', () => {
    const tests = files.filter(path => path.startsWith('tests/') && path.endsWith('.test.ts') && path !== 'tests/tidy.test.ts')
    const orphans = tests.filter(path => {
      const rest = path.slice('tests/'.length)
      return !free.includes(rest.split('/')[0] ?? '') && !product.includes(rest.replace(/\.test\.ts$/, '.ts')) && !isAbout(rest)
    })
    expect(orphans.filter(path => !Object.hasOwn(topical, path))).toEqual([])
    expect(
      Object.keys(topical).filter(path => !orphans.includes(path)),
      'reasons no longer needed',
    ).toEqual([])
  })

  /** `store/open.faults.test.ts` and `store/open-concurrency.test.ts` are about store/open.ts; `cli/run.test.ts` about a command. */
  function isAbout(rest: string): boolean {
    const folder = dirname(rest)
    const name = basename(rest, '.test.ts')
    return product.some(
      path =>
        dirname(path) === folder &&
        (name.startsWith(`${basename(path, '.ts')}.`) || name.startsWith(`${basename(path, '.ts')}-`)),
    )
  }
})

describe('product code', () => {
  it('has no unfinished business', () => {
    expect(
      findLines(
        [...product, ...files.filter(path => path.startsWith('scripts/'))],
        /(\/\/|\/\*|^\s*\*).*\b(TODO|FIXME|XXX|HACK)\b/,
        read,
      ),
    ).toEqual([])
  })
  /** They make system-like errors as the cause of a coded one, and throw none. */
  const causes = [
    'proxy/forward.ts',
    'proxy/forward-connections.ts',
    'proxy/forward-http2.ts',
    'proxy/replay/playback.ts',
    'store/failure-text.ts',
  ]
  it('throws coded errors only', () => {
    expect(findLines(causes, /\bthrow new (Type|Range|Syntax)?Error\(/, codeOf)).toEqual([])
    expect(
      findLines(
        product.filter(path => !['core/errors.ts', ...causes].includes(path)),
        /\bnew (Type|Range|Syntax)?Error\(/,
        codeOf,
      ),
    ).toEqual([])
  })
  it('exits in cli/main.ts and in the entry points of processes of its own', () => {
    // The gate's program is a text that runs in its own container.
    const processes = ['runner/mini/main.ts', 'runner/terminus/main.ts', 'runner/launcher-process.ts']
    const entries = ['cli/main.ts', ...processes, 'runner/environments/_docker-gate-image.ts']
    expect(
      findLines(
        product.filter(path => !entries.includes(path)),
        /\bprocess\.(exit|exitCode)\b/,
        codeOf,
      ),
    ).toEqual([])
  })
  it('prints in cli/ only', () => {
    const speaks = (path: string): boolean => path.startsWith('cli/') || /^runner\/(mini|terminus)\/main\.ts$/.test(path)
    expect(
      findLines(
        product.filter(path => !speaks(path)),
        /\bconsole\.|process\.(stdout|stderr)\b/,
        codeOf,
      ),
    ).toEqual([])
    expect(findLines(product, /\bconsole\./, codeOf)).toEqual([])
  })
  it('reads the environment in core/config and cli/ only', () => {
    const reads = (path: string): boolean =>
      path.startsWith('cli/') || path.startsWith('core/config') || /^runner\/(mini|terminus)\//.test(path)
    expect(
      findLines(
        product.filter(path => !reads(path)),
        /\bprocess\.env\b/,
        codeOf,
      ),
    ).toEqual([])
  })
  it('has no barrels and no drawers', () => {
    expect(product.filter(path => /^(index|utils?|helpers?|common|misc|manager)\.ts$/.test(basename(path)))).toEqual([])
  })
})

describe('each adapter list', () => {
  it.each(product.filter(path => basename(path) === '_all.ts'))('%s names every file of its folder', path => {
    const folder = dirname(path)
    const adapters = readdirSync(join(root, folder)).filter(name => name.endsWith('.ts') && !name.startsWith('_'))
    const imported = [...read(path).matchAll(/(?:from |import\()'\.\/([^']+)'/g)]
      .map(match => match[1])
      .filter(name => !name?.startsWith('_'))
    expect(imported.sort()).toEqual(adapters.sort())
  })
})

describe('the documentation', () => {
  it('has every error, and no error that nobody throws', () => {
    const documented = [...read('docs/errors.md').matchAll(/^## (E_[A-Z_]+)$/gm)].map(match => match[1])
    expect(documented).toEqual(Object.keys(errorCatalogue))
    const all =
      product
        .filter(path => !path.startsWith('core/error'))
        .map(read)
        .join('\n') + read('core/errors.ts').split('satisfies')[1]
    // Codes that are part of the contract before the code that throws them is written.
    const unused = Object.keys(errorCatalogue).filter(code => !all.includes(`'${code}'`))
    expect(unused).toEqual([])
  })

  it('has every configuration key and every command', () => {
    for (const key of configKeys) expect(read('docs/config.md')).toContain(`| \`${key.name}\` |`)
    for (const command of commands) expect(read('docs/cli.md')).toContain(`## turnpike ${command.usage.split(' ', 1)[0]}\n`)
  })

  it('is what the program says now', () => {
    expect(() =>
      execFileSync(process.execPath, ['--import', 'tsx', 'scripts/make-docs.ts', '--check'], { cwd: root, stdio: 'pipe' }),
    ).not.toThrow()
  })

  const pages = files.filter(path => path.endsWith('.md') && path !== 'CHANGELOG.md' && !path.startsWith('tests/'))
  it.each(pages)('%s links to files that exist', path => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(match => match[1] ?? '')
    expect(links.filter(link => !existsSync(join(root, dirname(path), link)))).toEqual([])
  })

  it.each(['README.md', 'AGENTS.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/adding-an-adapter.md'])(
    '%s names only files, scripts and commands that exist',
    path => {
      const text = read(path)
      const named = [
        ...text.matchAll(
          /`((?:\.ci|core|protocols|proxy|store|runner|scenarios|convert|judge|report|cli|configs|bench|tests|scripts|docs)\/[\w./-]*)`/g,
        ),
      ]
      expect(named.map(match => match[1] ?? '').filter(name => !existsSync(join(root, name)))).toEqual([])
      const known = new Set(['help', ...commands.map(command => command.usage.split(' ', 1)[0] ?? '')])
      const used = [...text.matchAll(/(?:^|`|\$ |npx )turnpike ([a-z]+)/gm)].map(match => match[1] ?? '')
      expect(used.filter(name => !known.has(name))).toEqual([])
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map(match => match[1] ?? '')
      expect(run.filter(name => !Object.hasOwn(scripts, name))).toEqual([])
    },
  )

  it('keeps AGENTS.md short', () => {
    expect(read('AGENTS.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120)
    expect(read('CLAUDE.md').trim()).toBe('@AGENTS.md')
  })
})

describe('the example configuration', () => {
  it('shows every key', () => {
    const text = read('configs/example/turnpike.yaml')
    for (const key of configKeys) expect(text, key.name).toMatch(new RegExp(`^ *(# )?${key.name.split('.').at(-1)}:`, 'm'))
  })
  it('is still a configuration when every key is switched on', () => {
    const text = read('configs/example/turnpike.yaml').replace(/^( *)# ([a-z_]+:.*)$/gm, '$1$2')
    const value = readYaml(text, 'turnpike.yaml').value as Record<string, object>
    const known = configKeys.map(key => key.name)
    const list = (inner: object, path: string): string[] =>
      Object.entries(inner).flatMap(([name, part]) => {
        const whole = path === '' ? name : `${path}.${name}`
        return known.includes(whole) || typeof part !== 'object' ? [whole] : list(part, whole)
      })
    expect(list(value, '').sort()).toEqual(configKeys.map(key => key.name).sort())
  })
})

describe('the tree', () => {
  it('holds no file over 256 KiB', () => {
    const large = files.filter(path => path !== 'package-lock.json' && statSync(join(root, path)).size > 256 * 1024)
    expect(large).toEqual([])
  })

  it('speaks of itself alone', () => {
    // Put together here so that this file does not find itself.
    const machine = ['work', 'root', 'home'].map(folder => `(?<![\\w.~$}*-])/${folder}/(?!\\.\\.\\.)\\w`)
    const registries = ['nexus', 'artifactory', 'verdaccio', 'codeartifact'].map(name => `\\b${name}\\b`)
    const pattern = new RegExp([...machine, ...registries, '(?<![\\w.])/tmp/\\w'].join('|'), 'i')
    const text = files.filter(path => /\.(ts|mjs|cjs|js|json|jsonl|ya?ml|md|txt|sh)$|^\.ci\//.test(path))
    const told = text.filter(path => path !== 'tests/tidy.test.ts')
    expect(findLines(told, pattern, read)).toEqual([])
  })

  it('fetches packages from the public registry only', () => {
    const hosts = [...read('package-lock.json').matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(match => match[1])
    expect([...new Set(hosts)].filter(host => host !== 'registry.npmjs.org')).toEqual([])
  })
})
