// Directories that images of tests are built from: the test image alone, and the same with this machine's tmux in it.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { testImage } from '../docker.ts'

export function writePlainContext(directory: string): string {
  mkdirSync(directory)
  writeFileSync(join(directory, 'Dockerfile'), `FROM ${testImage}\nWORKDIR /app\n`)
  return directory
}

/** Null where this machine has no tmux to copy. */
export function writeTmuxContext(directory: string): string | null {
  const program = ['/usr/bin/tmux', '/bin/tmux', '/usr/local/bin/tmux'].find(path => existsSync(path))
  if (program === undefined) return null
  const files = join(directory, 'files')
  const linked = execFileSync('ldd', [program], { encoding: 'utf8' })
  const libraries = [...linked.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(match => match[1] ?? '')
  for (const path of [program, ...libraries]) copy(path, files)
  // The kinds of terminal tmux speaks of, and a locale that knows its characters.
  for (const folder of ['/usr/share/terminfo', '/lib/terminfo', '/usr/lib/locale/C.utf8', '/usr/lib/locale/C.UTF-8'])
    if (existsSync(folder)) copy(folder, files)
  writeFileSync(join(directory, 'Dockerfile'), `FROM ${testImage}\nCOPY files /\nWORKDIR /app\n`)
  return directory
}

/** To the same place in the image, whose /lib and /bin are links into /usr. */
function copy(path: string, files: string): void {
  const target = join(files, path.startsWith('/usr') ? path : `/usr${path}`)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(realpathSync(path), target, { recursive: true, dereference: true })
}
