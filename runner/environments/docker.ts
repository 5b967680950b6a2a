// A container per trial, made from the task's image with the agent's programs over it. Verification happens in a copy of the container, so that
// nothing it brings or leaves is ever near the agent; the network ends at a gate that this process controls.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import { containerBytesMax, snapshotFileBytesMax, trialProcessesMax } from '../../core/limits.ts'
import type { NetworkPolicy } from '../../core/task.ts'
import type { ExecResult } from '../processes.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec, RunningCommand } from './_adapter.ts'
import { askDocker, labels, probeDocker, useDocker } from './_docker-client.ts'
import {
  checkRunning,
  copyScript,
  findOwner,
  homePath,
  keptPath,
  killOthersScript,
  killScript,
  makeQuiet,
  prepareScript,
  restart,
  startContainer,
  systemPath,
} from './_docker-container.ts'
import { createCopies } from './_docker-copies.ts'
import { type ExecPlace, readEnv, runExec, spawnExec } from './_docker-exec.ts'
import { type Mirror, mirrorTree } from './_docker-export.ts'
import type { Owner } from './_docker-files.ts'
import { createFreezer } from './_docker-freezer.ts'
import { type Gate, openGate } from './_docker-gate.ts'
import { proxyPort } from './_docker-gate-image.ts'
import { listPrograms, prepareImage, readLayer } from './_docker-images.ts'
import { createFiles, type Live, makeScratches, nameOwner, runRoot, touch } from './_docker-live.ts'
import { createMemoryWatch } from './_docker-memory.ts'
import { ownerName, removeLeftovers } from './_docker-reaper.ts'
import { blameTampering } from './_docker-tampered.ts'
import { ensureScript, listReplaced, refuseOversize } from './_docker-workspace.ts'

const anyNetwork: NetworkPolicy = { mode: 'proxy', hosts: [] }

export default {
  id: 'docker',
  title: 'container per trial (Docker or Podman), network ends at the proxy',
  gives: { images: true, limits: true, networks: ['none', 'proxy', 'allow-list', 'public'] },
  probe: probeDocker,
  open: async (spec, signal) => {
    signal.throwIfAborted()
    const docker = await useDocker()
    const image = await prepareImage(spec.place, readLayer(spec), signal)
    const marks = { [labels.made]: 'trial', [labels.trial]: spec.trialId, [labels.run]: spec.runId, [labels.owner]: ownerName() }
    const policy = spec.place?.network ?? anyNetwork
    const gate = await openGate({ docker, proxyUrl: spec.proxyUrl, policy, labels: marks, signal })
    try {
      const processesMax = spec.processesMax ?? trialProcessesMax
      const wish = { image, networkMode: gate.networkMode, place: spec.place, processesMax, labels: marks }
      const container = await startContainer(docker, wish)
      try {
        return await createEnvironment({ docker, spec, gate, container, wish, image })
      } catch (error) {
        await container.remove({ force: true }).catch(() => undefined)
        throw error
      }
    } catch (error) {
      await gate.close()
      throw error
    }
  },
  sweep: removeLeftovers,
} satisfies EnvironmentAdapter

interface Parts {
  readonly docker: Docker
  readonly spec: EnvironmentSpec
  readonly gate: Gate
  readonly container: Docker.Container
  readonly wish: Parameters<typeof startContainer>[1]
  readonly image: string
}

async function createEnvironment(parts: Parts): Promise<Environment> {
  const { docker, spec } = parts
  const { Config } = await askDocker('the image cannot be read', () => docker.getImage(parts.image).inspect())
  const user = Config.User === '' ? null : Config.User
  const workspace = readWorkdir(spec, Config.WorkingDir)
  const owner = await findOwner(parts.container, user)
  const live: Live = {
    container: parts.container,
    isCopy: false,
    talks: 0,
    isFrozen: false,
    frozen: [],
    touches: 0,
    stillAt: null,
    copies: createCopies(parts),
    unmade: null,
  }
  await runRoot(live, 'the container cannot be prepared', prepareScript, [nameOwner(owner), workspace])
  const exports = await mkdtemp(join(tmpdir(), `turnpike-${spec.trialId}-export-`))
  const mirror: Mirror = { directory: join(exports, 'workspace'), known: new Map() }
  const processes = createProcesses(parts, live, { user, owner, workspace, env: readEnv(Config.Env) })
  const states = createStates(parts, live, workspace)
  const exportWorkspace = async (): Promise<string> => {
    await checkRunning(live.container)
    await refuseOversize(live.container, spec.place)
    await mirrorTree(live.container, workspace, mirror, { bytesMax: containerBytesMax, fileBytesMax: snapshotFileBytesMax })
    return mirror.directory
  }
  return {
    workspace,
    home: homePath,
    isolation: 'container',
    ...processes,
    ...createFiles(live, owner, workspace),
    ...states,
    ...blameTampering(parts.container, { ...processes, ...states, exportWorkspace }),
    setNetwork: parts.gate.setPolicy,
    listReplaced: () => listReplaced(parts.container),
    hostUrl: url => (url.startsWith(spec.proxyUrl) ? `http://127.0.0.1:${proxyPort}${url.slice(spec.proxyUrl.length)}` : url),
    close: async () => {
      const left = await live.copies.close().catch((error: unknown) => error)
      await parts.container.remove({ force: true, v: true }).catch(() => undefined)
      await parts.gate.close()
      await rm(exports, { recursive: true, force: true })
      if (left !== undefined) throw left
    },
  }
}

interface Inside {
  readonly user: string | null
  readonly owner: Owner
  readonly workspace: string
  /** Of the image. */
  readonly env: Readonly<Record<string, string>>
}

function createProcesses({ spec, gate, container }: Parts, live: Live, { user, owner, workspace, env }: Inside) {
  let killing: Promise<number> | null = null
  const killAll = async (): Promise<number> => {
    // What stands still is the agent's, between two requests.
    const script = live.isFrozen && !live.isCopy ? killOthersScript : killScript
    killing ??= runRoot(live, 'processes cannot be ended', script, live.frozen)
      .then(count => Number(count) || 0)
      .catch(() => restart(live.container))
      .finally(() => {
        killing = null
      })
    return killing
  }
  const endProcesses = async (): Promise<number> => {
    if (!live.isCopy && live.stillAt === live.touches) return 0
    const { isCopy, touches } = live
    // What stands still is spared, and would be found.
    const count = isCopy || live.isFrozen ? await killAll() : await makeQuiet(live.container, killAll)
    if (!isCopy) live.stillAt = touches
    return count
  }
  // Harbor leaves alone what a command that has ended leaves behind; one that has not ended is ended here in any case.
  const keeps = spec.survivors === 'kept'
  const memory = createMemoryWatch(spec.place?.memoryMb != null)
  const place = (): ExecPlace => ({
    container: live.container,
    cwd: workspace,
    user,
    env: {
      ...env,
      PATH: [...listPrograms(spec), spec.path ?? env['PATH'] ?? systemPath].join(':'),
      HOME: homePath,
      LANG: 'C.UTF-8',
      ...spec.place?.env,
      ...gate.env(),
      TURNPIKE_TRIAL: spec.trialId,
    },
    killAll,
    quiet: async () => killing,
    isTampered: async () => (await listReplaced(container)).length > 0,
  })
  return {
    endProcesses: keeps ? async () => 0 : endProcesses,
    ...(keeps
      ? {}
      : {
          beginCopy: async () => {
            await endProcesses()
            live.copies.begin()
          },
        }),
    ...createFreezer(live),
    exec: async (argv, options) => {
      touch(live)
      await makeScratches(live, owner)
      const isAlone = live.talks === 0 || live.isCopy
      const run = () => runExec(argv, options, place(), isAlone && !keeps ? 'kill' : 'leave')
      let result = await run()
      if (result.directoryGone && (options.cwd ?? workspace) === workspace) {
        await runRoot(live, 'the workspace cannot be made', ensureScript, [nameOwner(owner), workspace])
        result = await run()
      }
      if (result.directoryGone)
        throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the directory ${options.cwd ?? workspace} is gone`)
      // Killed from outside, the supervisor could not clear up; other users' processes it may not touch.
      if (isAlone && !keeps && (result.exit === null || options.user !== undefined)) await endProcesses()
      if (result.ended === 'exited' && result.exit !== 0) await checkRunning(live.container)
      return memory.noteKills(live.container, result)
    },
    spawn: async (argv, options) => {
      touch(live)
      return countTalk(live, await spawnExec(argv, options, place()), result => memory.noteKills(live.container, result))
    },
  } satisfies Partial<Environment>
}

function createStates({ container }: Parts, live: Live, workspace: string) {
  return {
    onCopy: work =>
      live.copies.use(async copy => {
        live.container = copy.container
        live.isCopy = true
        try {
          return await work()
        } finally {
          live.container = container
          live.isCopy = false
          live.unmade = null
        }
      }),
    keep: async name => {
      touch(live)
      await runRoot(live, 'the workspace cannot be kept', copyScript, [workspace, `${keptPath}/${name}`])
    },
    rollBack: async name => {
      touch(live)
      await runRoot(live, 'the workspace cannot be restored', copyScript, [`${keptPath}/${name}`, workspace])
    },
  } satisfies Partial<Environment>
}

function countTalk(live: Live, talk: RunningCommand, note: (result: ExecResult) => Promise<ExecResult>): RunningCommand {
  live.talks++
  const ended = talk.ended.finally(() => live.talks--).then(note)
  ended.catch(() => undefined)
  return { ...talk, ended }
}

/** The root of the file system is nobody's working directory: everything would be the agent's work. */
function readWorkdir(spec: EnvironmentSpec, ofImage: string | undefined): string {
  const wanted = spec.place?.workdir ?? ofImage ?? ''
  return wanted === '' || wanted === '/' ? '/workspace' : wanted
}
