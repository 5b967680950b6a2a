// Makes a fresh clone ready: installs the locked dependencies when they are missing or the lock file has changed, then builds
// when a source is newer than the build. Runs before `npm start`, `npm test` and `npm run check`; does nothing the second time.
// Plain JavaScript because it runs before anything is installed.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installed = join(root, 'node_modules')
const stamp = join(installed, '.turnpike-setup')
// A linked node_modules belongs to another tree: npm would empty that one first, under the feet of whoever uses it.
const isLinked = lstatSync(installed, { throwIfNoEntry: false })?.isSymbolicLink() === true
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
  .digest('hex')

if (!isLinked && (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted)) {
  process.stderr.write('turnpike: installing dependencies (first time only; SQLite may be compiled, which takes minutes) …\n')
  const npm = process.env.npm_execpath
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm']
  const { status } = spawnSync(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) {
    process.stderr.write(
      'error: the dependencies could not be installed\n' +
        '  why: npm ci failed; what it printed stands above\n' +
        '  try: check the network; where no prebuilt SQLite fits this machine, install python3, make and g++, then run this again\n',
    )
    process.exit(69)
  }
  writeFileSync(stamp, wanted)
}
process.exit(
  spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { cwd: root, stdio: ['ignore', 2, 2] }).status ?? 1,
)
