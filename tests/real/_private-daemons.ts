// Daemons of a test's own, which it may kill: Docker with a containerd of its own, and Podman. All they make lies in one temporary directory, Docker
// has no bridge there and changes no firewall, Podman leaves empty chains of its own; else `stop` leaves nothing. DOCKER_HOST names them from then on.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

interface Program {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface PrivateDaemon<Name extends string> {
  readonly host: string
  /** Starts what does not run, and resolves when the daemon answers. */
  readonly start: () => Promise<void>
  /** kill -9. */
  readonly kill: (name: Name) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Null where there is no such program, or this user may not start it. */
export async function startDocker(): Promise<PrivateDaemon<'containerd' | 'dockerd'> | null> {
  if (process.getuid?.() !== 0 || !isHere('dockerd') || !isHere('containerd')) return null
  const place = mkdtempSync(join(tmpdir(), 'turnpike-daemon-'))
  const at = (name: string): string => join(place, name)
  writeFileSync(at('containerd.toml'), `version = 2\nroot = "${at('c-root')}"\nstate = "${at('c-run')}"\n`)
  const own = ['--data-root', at('root'), '--exec-root', at('run'), '--pidfile', at('pid'), '--containerd', at('c.sock')]
  const network = ['--bridge', 'none', '--iptables=false', '--ip-forward=false']
  // A daemon that is to have no bridge takes away the one of the machine's own daemon: this one sees none.
  const apart = ['unshare', '--net', 'dockerd']
  return openDaemon(place, {
    containerd: { argv: ['containerd', '--config', at('containerd.toml'), '--address', at('c.sock')], env: {} },
    dockerd: { argv: [...apart, '--log-level', 'error', '-H', `unix://${at('docker.sock')}`, ...own, ...network], env: {} },
  })
}

/** Limits that this user may set, and the runtime that knows machines with control groups of both versions. */
const podmanSettings = () => {
  const limit = (flag: string): string =>
    execFileSync('sh', ['-c', `ulimit -H ${flag} 2>/dev/null || ulimit -H -n`])
      .toString()
      .trim()
  const files = limit('-n')
  const runtime = isHere('runc') ? 'runtime = "runc"\n' : ''
  return `[containers]\ndefault_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n${runtime}`
}

export async function startPodman(): Promise<PrivateDaemon<'podman'> | null> {
  if (process.getuid?.() !== 0 || !isHere('podman')) return null
  const place = mkdtempSync(join(tmpdir(), 'turnpike-daemon-'))
  const at = (name: string): string => join(place, name)
  writeFileSync(at('containers.conf'), podmanSettings())
  const own = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--network-config-dir', at('net')]
  const argv = ['podman', ...own, 'system', 'service', '--time', '0', `unix://${at('docker.sock')}`]
  return openDaemon(place, { podman: { argv, env: { CONTAINERS_CONF: at('containers.conf') } } })
}

const isHere = (program: string): boolean =>
  ['/usr/sbin', '/usr/bin', '/usr/local/bin'].some(path => existsSync(join(path, program)))

/** A test that is killed itself takes its daemon along. */
const deathBound = isHere('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []

async function openDaemon<Name extends string>(
  place: string,
  programs: Readonly<Record<Name, Program>>,
): Promise<PrivateDaemon<Name>> {
  const socket = join(place, 'docker.sock')
  const running = new Map<string, ChildProcess>()
  mkdirSync(join(place, 'cwd'))
  const start = async (): Promise<void> => {
    for (const [name, { argv, env }] of Object.entries<Program>(programs)) {
      if (running.has(name)) continue
      const [program = '', ...rest] = [...deathBound, ...argv]
      const options = { cwd: join(place, 'cwd'), env: { ...process.env, ...env }, stdio: 'ignore', detached: true } as const
      running.set(name, spawn(program, rest, options))
    }
    for (let look = 0; look < 600; look++) {
      if (await answers(socket)) return
      await sleep(100)
    }
    throw new Error('a daemon of this test was started and does not answer')
  }
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const child = running.get(name)
    running.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await Promise.race([ended, sleep(20_000).then(() => child.kill('SIGKILL'))])
  }
  const stop = async (): Promise<void> => {
    for (const name of Object.keys(programs).reverse()) await end(name, 'SIGTERM')
    killOf(place)
    await sleep(200)
    for (const path of listMounts(place)) execFileSync('umount', ['-l', path], { stdio: 'ignore' })
    rmSync(place, { recursive: true, force: true })
  }
  const host = `unix://${socket}`
  process.env['DOCKER_HOST'] = host
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return { host, start, kill: name => end(name, 'SIGKILL'), stop }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const asked = request({ socketPath, path: '/_ping' }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', () => resolve(false)).end()
  })
}

/** What a killed daemon has started and nobody ends: shims and monitors name the directory, containers stand in it. */
function killOf(place: string): void {
  for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid))
    try {
      const told =
        readFileSync(`/proc/${id}/cmdline`, 'latin1') + readlinkSync(`/proc/${id}/root`) + readlinkSync(`/proc/${id}/cwd`)
      if (told.includes(place)) process.kill(Number(id), 'SIGKILL')
    } catch {
      // Gone, or a thread of the kernel.
    }
}

/** Deepest first. */
function listMounts(place: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  return mounts
    .flatMap(line => line.split(' ')[1] ?? [])
    .filter(path => path.startsWith(place))
    .reverse()
}
