// Compiles the product to dist/ when a source is newer than the last build, and joins what starts together. Plain JavaScript because setup.mjs runs it.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folders = ['core', 'protocols', 'proxy', 'store', 'runner', 'scenarios', 'convert', 'judge', 'report', 'cli']
const built = join(root, 'dist', '.built')

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))))
}

/** What starts as a process or a thread with hundreds of files: loading them one by one took twice as long as all else. */
const started = ['cli/main.js', 'cli/convert-thread.js', 'store/writer-thread.js']

/** Each in its place, and what they share in chunks/. */
async function joinFiles(directory) {
  // Loaded when something is joined: every npm start and npm test runs this file.
  const { build } = await import('esbuild')
  await build({
    entryPoints: started.map(name => join(directory, name)),
    absWorkingDir: directory,
    outdir: directory,
    outbase: directory,
    allowOverwrite: true,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    plugins: [
      { name: 'own-place', setup: ({ onLoad }) => onLoad({ filter: /\.js$/ }, ({ path }) => readWithPlace(directory, path)) },
    ],
  })
}

/** A file knows where it lay: others lie beside it. All that is joined stands in a directory of dist/. */
function readWithPlace(directory, path) {
  const own = `new URL(${JSON.stringify(`../${relative(directory, path)}`)}, import.meta.url).href`
  return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', own) }
}

const sources = [...folders, 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'scripts/build.mjs']
  .map(name => join(root, name))
  .filter(path => existsSync(path))
const upToDate = existsSync(built) && sources.every(path => newest(path) <= statSync(built).mtimeMs)
if (!upToDate || process.argv.includes('--force')) {
  const startedAt = new Date()
  const fresh = join(root, `dist.${process.pid}`)
  const old = join(root, `dist.${process.pid}.old`)
  // Built beside and swapped in, so that a running `turnpike` never sees half a build.
  const compiler = join(root, 'node_modules', 'ts7', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    process.exit(1) // the compiler has said what is wrong
  }
  await joinFiles(fresh).catch(error => {
    rmSync(fresh, { recursive: true, force: true })
    throw error
  })
  writeFileSync(join(fresh, '.built'), '')
  utimesSync(join(fresh, '.built'), startedAt, startedAt)
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old)
  renameSync(fresh, join(root, 'dist'))
  rmSync(old, { recursive: true, force: true })
}
