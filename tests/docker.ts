// A Docker daemon for tests: the one DOCKER_HOST names (Podman's socket, say), else the one that runs, else one of its own where this user may start
// one. Its base image is made from this machine's own programs, because none can be pulled. Tests that need Docker and have none say why they are skipped.

import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { placeDocker } from '../cli/machine-places.ts'
import { connectDocker, probeDocker, useDocker } from '../runner/environments/_docker-client.ts'

/** Programs of the test image; Debian's, so that tasks behave as on a real machine. */
const programs = [
  ...[
    'sh',
    'bash',
    'env',
    'ls',
    'cat',
    'cp',
    'mv',
    'rm',
    'mkdir',
    'chmod',
    'chown',
    'ln',
    'id',
    'sleep',
    'setsid',
    'ps',
    'grep',
    'sed',
  ],
  ...[
    'head',
    'tail',
    'wc',
    'touch',
    'date',
    'test',
    'true',
    'false',
    'echo',
    'printf',
    'find',
    'seq',
    'dd',
    'stat',
    'sort',
    'tr',
    'cut',
  ],
  ...[
    'timeout',
    'nproc',
    'node',
    'git',
    'tar',
    'dirname',
    'basename',
    'readlink',
    'mkfifo',
    'sync',
    'od',
    'getent',
    'awk',
    'kill',
  ],
]

/** Parts of the C library that every Debian has, and that programs of agents are linked to. */
const libraries = ['librt.so.1', 'libresolv.so.2', 'libutil.so.1', 'libnss_files.so.2', 'libnss_dns.so.2']

export const testImage = 'debian:bookworm-slim'

async function findDaemon(): Promise<string | null> {
  if ((await probeDocker()) === null) return null
  // Another one beside it would not be what was asked for.
  if (process.env['DOCKER_HOST']) return (await probeDocker())?.what ?? null
  const program = ['/usr/sbin/dockerd', '/usr/bin/dockerd'].find(path => existsSync(path))
  if (program === undefined || process.getuid?.() !== 0) return (await probeDocker())?.what ?? null
  spawn(program, ['--log-level', 'error'], { detached: true, stdio: 'ignore' }).unref()
  for (let look = 0; look < 100; look++) {
    if ((await probeDocker()) === null) return null
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return 'dockerd was started and does not answer'
}

async function makeImage(): Promise<void> {
  const docker = await useDocker()
  const version = createHash('sha256')
    .update(`${programs.join(' ')} ${process.version} 2`)
    .digest('hex')
    .slice(0, 16)
  const known = await docker
    .getImage(testImage)
    .inspect()
    .then(
      image => image,
      () => null,
    )
  // A real image of that name serves as well; one of an earlier form of this file does not.
  if (known !== null && !(/^[0-9a-f]{16}$/.test(known.Comment) && known.Comment !== version)) return
  const root = mkdtempSync(join(tmpdir(), 'turnpike-image-'))
  try {
    for (const directory of [
      'usr/bin',
      'usr/lib',
      'usr/lib64',
      'usr/sbin',
      'etc',
      'tmp',
      'root',
      'proc',
      'dev',
      'sys',
      'var/tmp',
    ])
      mkdirSync(join(root, directory), { recursive: true })
    for (const [link, target] of [
      ['bin', 'usr/bin'],
      ['lib', 'usr/lib'],
      ['lib64', 'usr/lib64'],
      ['sbin', 'usr/sbin'],
    ] as const)
      symlinkSync(target, join(root, link))
    for (const name of programs) copyProgram(root, name)
    for (const name of libraries) copyLibrary(root, name)
    if (existsSync('/usr/lib/git-core')) cpSync('/usr/lib/git-core/git', join(root, 'usr/lib/git-core/git'), { recursive: true })
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000::/:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nagent:x:1000:\n')
    execFileSync('chmod', ['1777', join(root, 'tmp'), join(root, 'var/tmp')])
    execFileSync('sh', ['-c', 'tar -C "$1" -c . | docker import -m "$2" - "$3"', 'sh', root, version, testImage], {
      stdio: 'pipe',
    })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** From where the dynamic linker of this machine finds its own C library. */
function copyLibrary(root: string, name: string): void {
  const listed = execFileSync('ldd', [process.execPath]).toString()
  const folder = dirname(/=> (\/\S+libc\.so\.6)/.exec(listed)?.[1] ?? '/lib/libc.so.6')
  const target = join(root, 'usr', folder.replace(/^\/usr/, ''), name)
  if (existsSync(join(folder, name)) && !existsSync(target)) cpSync(realpathSync(join(folder, name)), target)
}

function copyProgram(root: string, name: string): void {
  const found = execFileSync('sh', ['-c', 'command -v -- "$1" || true', 'sh', name]).toString().trim()
  const file = found.startsWith('/')
    ? realpathSync(found)
    : existsSync(`/usr/bin/${name}`)
      ? realpathSync(`/usr/bin/${name}`)
      : null
  if (file === null) return
  cpSync(file, join(root, 'usr/bin', name), { dereference: true })
  let linked = ''
  try {
    linked = execFileSync('ldd', [file], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  } catch {
    // A script has no libraries.
  }
  for (const match of linked.matchAll(/(?:=> )?(\/[^\s]+) \(0x/g)) {
    const library = match[1] ?? ''
    const target = join(root, library.startsWith('/usr') ? library : `/usr${library}`)
    if (existsSync(target)) continue
    mkdirSync(dirname(target), { recursive: true })
    cpSync(realpathSync(library), target)
  }
}

/** Null = Docker works and has the test image; else why not, which a test prints when it is skipped. */
export const dockerMissing: string | null = await (async () => {
  connectDocker(placeDocker(process.env))
  const why = await findDaemon()
  if (why === null) await makeImage()
  else process.stderr.write(`tests that need Docker are skipped: ${why}\n`)
  return why
})()
