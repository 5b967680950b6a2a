// Containers of a trial: what is asked of Docker for them, and the shell scripts that run in them as root. Scripts use `sh` and what comes
// with every system; they get paths as arguments and never put one together from text.

import type Docker from 'dockerode'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { trialProcessesMax } from '../../core/limits.ts'
import type { TaskEnvironment } from '../../core/task.ts'
import { askDocker, labels, unknownUser } from './_docker-client.ts'
import { runExec } from './_docker-exec.ts'
import type { Owner } from './_docker-files.ts'
import { lookAlive } from './_docker-processes.ts'
import { createLimited } from './_docker-storage.ts'

/** Where our own things stand, apart from everything a task may use. */
export const ownRoot = '/turnpike'
export const homePath = `${ownRoot}/home`
export const keptPath = `${ownRoot}/kept`
export const scratchPath = `${ownRoot}/scratch`

export interface ContainerWish {
  readonly image: string
  readonly networkMode: string
  readonly place: TaskEnvironment | null
  readonly processesMax: number
  readonly labels: Readonly<Record<string, string>>
}

/** The first process only waits, and takes in orphans. The kernel keeps from it what it does not ask for, but shells ask for SIGINT: nothing inside can end it. */
const waitForever = 'trap "" INT TERM HUP; while :; do sleep 3600 & wait $!; done'

export function startContainer(docker: Docker, wish: ContainerWish): Promise<Docker.Container> {
  const { place } = wish
  const memory = place?.memoryMb === null || place === null ? 0 : place.memoryMb * 1024 * 1024
  return askDocker(`a container of ${wish.image} cannot be started`, async () => {
    const container = await createLimited(docker, place?.storageMb ?? null, {
      Image: wish.image,
      Entrypoint: ['sh', '-c', waitForever],
      Cmd: [],
      User: '0:0',
      WorkingDir: '/',
      Env: Object.entries(place?.env ?? {}).map(([name, value]) => `${name}=${value}`),
      Labels: { ...wish.labels },
      Healthcheck: { Test: ['NONE'] },
      HostConfig: {
        NetworkMode: wish.networkMode,
        ...(place?.cpus == null ? {} : { NanoCpus: place.cpus * 1e9 }),
        ...(memory === 0 ? {} : { Memory: memory, MemorySwap: memory }),
        PidsLimit: wish.processesMax,
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Type: 'none', Config: {} },
      },
    })
    return startOrRemove(container)
  })
}

/** One that cannot start is of no use to anybody. */
export async function startOrRemove(container: Docker.Container): Promise<Docker.Container> {
  try {
    await container.start()
    return container
  } catch (error) {
    await container.remove({ force: true }).catch(() => undefined)
    throw error
  }
}

const never = new AbortController().signal

/** Runs one of the scripts below as root; its exit status and output. */
export function runScript(container: Docker.Container, script: string, paths: readonly string[]) {
  return runExec(
    ['sh', '-c', script, 'turnpike', ...paths],
    { timeoutMs: null, signal: never, user: '0:0' },
    { container, cwd: '/', env: { PATH: systemPath }, user: null, killAll: async () => undefined },
    'bare',
  )
}

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Counts what lives, then kills: everything but the first process and the shell itself. The dead that nobody has taken in do not count, nor what the
 * first process waits for; but a daemon may look like that, so the signal is sent whatever was counted.
 */
export const killScript = `list() {
  count=0
  for each in /proc/[0-9]*; do
    pid=\${each#/proc/}
    [ "$pid" = 1 ] || [ "$pid" = $$ ] && continue
    read -r line 2>/dev/null <"$each/stat" || continue
    case "$line" in *") Z "* | *") X "* | *" (sleep) S 1 "*) ;; *) count=$((count + 1)) ;; esac
  done
}
list
found=$count
round=0
while [ "$count" -gt 0 ] || [ "$round" -eq 0 ]; do
  [ "$round" -lt 500 ] || exit 1
  kill -s KILL -- -1 2>/dev/null
  list
  round=$((round + 1))
done
echo "$found"`

/** The same for a conversation that stands still: kills everything but what was noted when it was stopped. */
export const killOthersScript = `spared=" $* "
found=0
round=0
while [ "$round" -lt 500 ]; do
  count=0
  for each in /proc/[0-9]*; do
    pid=\${each#/proc/}
    case "$spared" in *" $pid "*) continue ;; esac
    [ "$pid" = 1 ] || [ "$pid" = $$ ] && continue
    read -r line 2>/dev/null <"$each/stat" || continue
    case "$line" in *") Z "* | *") X "*) ;; *) kill -s KILL "$pid" 2>/dev/null; count=$((count + 1)) ;; esac
  done
  [ "$count" -gt 0 ] || break
  [ "$found" -gt 0 ] || found=$count
  round=$((round + 1))
done
echo "$found"
[ "$count" -eq 0 ]`

/** A workspace of the image stays whose it is, unless its user may not be able to write there; to root that makes no difference. */
export const prepareScript = `[ -d "$2" ] && [ "$1" = 0:0 ] || { mkdir -p -- "$2" && chown "$1" "$2"; } || exit 1
mkdir -p -- ${homePath} ${keptPath} ${scratchPath} && chown "$1" ${homePath} && chmod 700 ${keptPath} && chmod 711 ${scratchPath}`

/** Whatever stands where a directory is needed on the way makes room: an agent may have put a file there. */
const wayScript = `way() (
  set -f; IFS=/; at=
  for part in $1; do
    [ -n "$part" ] || continue
    at=$at/$part
    [ -d "$at" ] || rm -rf -- "$at"
  done
)
`

export const makeScript = `${wayScript}owner=$1; path=$2
way "$path"; mkdir -p -- "$path" && chown "$owner" "$path"`

export const emptyScript = `${wayScript}owner=$1; shift
for path; do way "\${path%/*}"; rm -rf -- "$path" && mkdir -p -- "$path" && chown "$owner" "$path" || exit 1; done`

export const copyScript = `from=$1; to=$2
mkdir -p -- "$to" && cd -- "$to" && for old in ./* ./.[!.]* ./..?*; do { [ -e "$old" ] || [ -L "$old" ]; } && { rm -rf -- "$old" || exit 1; }; done
cp -a -- "$from/." "$to/"`

/** A container that was killed can still be read and copied, but what its commands left unfinished is nobody's result. */
export async function checkRunning(container: Docker.Container): Promise<void> {
  const { State } = await askDocker('the container is gone', () => container.inspect())
  if (State.Running) return
  const why = State.OOMKilled ? 'out of memory' : `exit status ${State.ExitCode}`
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the container has ended under the trial (${why})`, { details: { lost: true } })
}

/** Where not even a shell finds room beside a fork bomb: the container starts anew, with its files as they are. One that was killed does not. */
export async function restart(container: Docker.Container): Promise<number> {
  await checkRunning(container)
  await askDocker('processes cannot be ended', () => container.restart({ t: 0 }))
  return trialProcessesMax
}

/** Programs that kill are the container's own, and its root may have replaced them: where they did not, the daemon does. */
export async function makeQuiet(container: Docker.Container, killAll: () => Promise<number>): Promise<number> {
  if ((await lookAlive(container)) === 'quiet') return 0
  const count = await killAll()
  return (await lookAlive(container)) === 'alive' ? restart(container) : count
}

export async function findOwner(container: Docker.Container, user: string | null): Promise<Owner> {
  if (user === null || user === '' || user === '0' || user === 'root') return { uid: 0, gid: 0 }
  const found = await runExec(
    ['sh', '-c', 'id -u && id -g'],
    { timeoutMs: null, signal: never, user },
    { container, cwd: '/', env: { PATH: systemPath }, user, killAll: async () => undefined },
    'leave',
  ).catch((error: unknown) => {
    // Whoever runs a command as that user is told, and by whose doing.
    if (isTurnpikeError(error) && unknownUser.test(error.message)) return null
    throw error
  })
  if (found === null) return { uid: 0, gid: 0 }
  const [uid, gid] = found.stdout.split('\n').map(Number)
  return Number.isInteger(uid) && found.exit === 0 ? { uid: uid ?? 0, gid: gid ?? 0 } : { uid: 0, gid: 0 }
}

/** A copy of the container as it is now, as a container of its own; `remove` takes its image away as well. */
export async function copyContainer(docker: Docker, source: Docker.Container, wish: Omit<ContainerWish, 'image'>) {
  // Not paused: nothing of the agent is alive, and labels come over with the container's own.
  const made = await askDocker(
    'the container cannot be copied',
    (): Promise<{ Id: string }> => source.commit({ pause: false, changes: `LABEL ${labels.made}=copy` }),
  )
  const removeImage = () => docker.getImage(made.Id).remove({ force: true })
  try {
    const container = await startContainer(docker, { ...wish, image: made.Id })
    const remove = async (): Promise<void> => {
      await container.remove({ force: true, v: true })
      await removeImage()
    }
    return { container, remove }
  } catch (error) {
    await removeImage().catch(() => undefined)
    throw error
  }
}
