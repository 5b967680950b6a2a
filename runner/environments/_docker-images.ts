// Images that trials run in: a task's own, built or named, and the same with an agent's programs laid over it. Each is made once, named by
// its content, and kept; several trials that ask for one at the same moment wait for the same build.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { timerMsMax } from '../../core/limits.ts'
import type { TaskEnvironment } from '../../core/task.ts'
import type { AgentLayer } from '../agents/_adapter.ts'
import type { EnvironmentSpec } from './_adapter.ts'
import { askDocker, detailsOf, hasImage, labels, reasonOf, useDocker } from './_docker-client.ts'
import { hashTree, packTree, readingTask, sendTree } from './_docker-tree-in.ts'

/** For tasks that name no image: small, and with a shell and the usual programs. */
export const defaultImage = 'debian:bookworm-slim'

const root = { uid: 0, gid: 0 }
/** Lines of a build's output that an error shows. */
const logLinesShown = 25

const making = new Map<string, Promise<string>>()

function once(name: string, make: () => Promise<string>): Promise<string> {
  const running = making.get(name)
  if (running !== undefined) return running
  const started = make().finally(() => making.delete(name))
  making.set(name, started)
  return started
}

export interface LayerDirectory {
  readonly layer: AgentLayer
  /** Made on this machine: what stands under /opt/turnpike/agents/<id> in the image. */
  readonly directory: string
}

export const readLayer = ({ layer, layerDirectory }: EnvironmentSpec): LayerDirectory | null =>
  layer === null || !layerDirectory ? null : { layer, directory: layerDirectory }

/** Before the image's own path: the layer's `bin` holds the agent's programs and nothing else. */
export const listPrograms = (spec: EnvironmentSpec): string[] =>
  spec.layer === null || !spec.layerDirectory ? [] : [`${layersPath}/${spec.layer.id}/bin`]

/** Gives back a name that `docker run` takes. */
export async function prepareImage(
  place: TaskEnvironment | null,
  layer: LayerDirectory | null,
  signal: AbortSignal,
): Promise<string> {
  const base = await prepareTaskImage(place, signal)
  return layer === null ? base : layOver(base, layer, signal)
}

async function prepareTaskImage(place: TaskEnvironment | null, signal: AbortSignal): Promise<string> {
  const image = place?.image ?? null
  if (image === null || image.kind === 'name') return findOrPull(image?.name ?? defaultImage, signal)
  const { context, dockerfile } = image
  const ignored = await readIgnored(context)
  const digest = createHash('sha256')
    .update(await readingTask(context, () => hashTree(context, ignored)))
    .update(dockerfile)
    .digest('hex')
  const name = `turnpike/task:${digest.slice(0, 32)}`
  return once(name, async () => {
    if (await hasImage(name)) return name
    const archive = pack()
    const timeoutMs = place?.buildTimeoutMs ?? null
    await sendTree(archive, { directory: context, owner: root, prefix: '', ignored }, broken =>
      build(name, archive, { dockerfile, signal: AbortSignal.any([signal, broken]), timeoutMs }),
    )
    return name
  })
}

/** The image with the agent's programs: one more layer, the same for every task image with the same content. */
async function layOver(base: string, { layer, directory }: LayerDirectory, signal: AbortSignal): Promise<string> {
  const docker = await useDocker()
  const { Id, Config } = await askDocker(`image ${base} cannot be read`, () => docker.getImage(base).inspect())
  const asked = JSON.stringify([Id, basename(directory), layer.systemPackages])
  const name = `turnpike/agent-${layer.id}:${createHash('sha256').update(asked).digest('hex').slice(0, 32)}`
  return once(name, async () => {
    if (await hasImage(name)) return name
    const archive = pack()
    archive.entry({ name: 'Dockerfile' }, writeFragment(base, layer, Config.User))
    archive.entry({ name: 'agent', type: 'directory', mode: 0o755, ...root })
    const packing = packTree(archive, { directory, owner: root, prefix: 'agent/', ignored: () => false }).then(() =>
      archive.finalize(),
    )
    const building = build(name, archive, { dockerfile: 'Dockerfile', signal, timeoutMs: null })
    await Promise.all([building, packing]).catch((error: unknown) => {
      signal.throwIfAborted()
      throw layer.systemPackages.length === 0 ? error : explainMissing(base, layer, error)
    })
    return name
  })
}

/** The usual cause: an image that lacks a program, and a build that reaches no package server. */
function explainMissing(base: string, layer: AgentLayer, cause: unknown): TurnpikeError {
  const { names } = programsOf(layer)
  const log = isTurnpikeError(cause) ? `\n${cause.hint ?? ''}` : ''
  return new TurnpikeError(
    'E_ENVIRONMENT_FAILED',
    `${layer.id} needs ${names} in the image ${base}, and it could not be put there`,
    {
      hint: `an image that has ${names} needs no network; otherwise the build must reach the package server of its distribution (apt or apk).${log}`,
      cause,
    },
  )
}

/** Where layers lie in images. */
export const layersPath = '/opt/turnpike/agents'

/** By what program a package of the distribution is known to be there, where that is not its name. */
const programOf: Readonly<Record<string, string>> = { procps: 'ps' }

/** Packages of the distribution, and the programs by which they are known to be there. */
export function programsOf({ systemPackages }: AgentLayer): { readonly names: string; readonly programs: string } {
  return { names: systemPackages.join(' '), programs: systemPackages.map(name => programOf[name] ?? name).join(' ') }
}

/** What configs/images/<agent>.Dockerfile says to people, over any base; `user` is the one the base runs as. */
export function writeFragment(base: string, layer: AgentLayer, user: string): string {
  const { names: packages, programs } = programsOf(layer)
  const install =
    packages === ''
      ? []
      : [
          'USER root',
          `RUN for program in ${programs}; do command -v "$program" >/dev/null || missing=1; done; [ -z "$missing" ] || { apt-get update && apt-get install -y --no-install-recommends ${packages}; } || apk add --no-cache ${packages}`,
          ...(user === '' ? [] : [`USER ${user}`]),
        ]
  return [`FROM ${base}`, ...install, `COPY agent ${layersPath}/${layer.id}`, ''].join('\n')
}

interface BuildOptions {
  readonly dockerfile: string
  readonly signal: AbortSignal
  readonly timeoutMs: number | null
}

async function build(name: string, archive: ReturnType<typeof pack>, options: BuildOptions): Promise<void> {
  const docker = await useDocker()
  const limit =
    options.timeoutMs === null
      ? options.signal
      : AbortSignal.any([options.signal, AbortSignal.timeout(Math.min(options.timeoutMs, timerMsMax))])
  const log: string[] = []
  let wrong: string | null = null
  const said = (): string => `the build said:\n${log.slice(-logLinesShown).join('\n')}`
  const fail = (why: string, details = {}): never => {
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `image ${name} cannot be built: ${why}`, {
      hint: said(),
      details,
      // A trial that ends of it tells its message and its cause.
      ...(log.length === 0 ? {} : { cause: new TurnpikeError('E_ENVIRONMENT_FAILED', said()) }),
    })
  }
  try {
    const stream = await docker.buildImage(Readable.from(archive) as unknown as NodeJS.ReadableStream, {
      t: name,
      dockerfile: options.dockerfile,
      labels: { [labels.made]: 'image' },
      abortSignal: limit,
      rm: true,
      forcerm: true,
    })
    await new Promise<void>((resolve, reject) => {
      // Rootless Podman goes on when nobody listens any more.
      limit.addEventListener('abort', () => reject(limit.reason), { once: true })
      docker.modem.followProgress(
        stream,
        error => (error ? reject(error) : resolve()),
        (event: { stream?: string; error?: string }) => {
          wrong = event.error ?? wrong
          const text = (event.stream ?? '').trimEnd()
          if (text !== '') log.push(text)
        },
      )
    })
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason
    fail(limit.aborted ? `it took longer than ${options.timeoutMs} ms` : reasonOf(error), detailsOf(error))
  }
  if (!(await hasImage(name))) fail(wrong ?? 'it ended without an image')
}

function findOrPull(name: string, signal: AbortSignal): Promise<string> {
  return once(name, async () => {
    if (await hasImage(name)) return name
    const docker = await useDocker()
    signal.throwIfAborted()
    try {
      const stream = await docker.pull(name)
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(
          stream,
          error => (error ? reject(error) : resolve()),
          // Podman has promised success by then.
          (event: { error?: string }) => event.error && reject(new TurnpikeError('E_ENVIRONMENT_FAILED', event.error)),
        )
      })
    } catch (error) {
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `image ${name} is not here and cannot be pulled: ${reasonOf(error)}`, {
        hint: `load it (docker load, docker import) or build it (docker build -t ${name} …), or name another image`,
        details: detailsOf(error),
      })
    }
    return name
  })
}

/** The patterns of .dockerignore that matter for a content hash; the daemon gets the same selection, because only it is packed. */
export async function readIgnored(context: string): Promise<(path: string) => boolean> {
  const text = await readFile(join(context, '.dockerignore'), 'utf8').catch(() => '')
  const rules = text
    .split('\n')
    .map(line => line.trim().replace(/^\//, '').replace(/\/$/, ''))
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const keeps = line.startsWith('!')
      const source = (keeps ? line.slice(1) : line)
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*\*\//g, '\u0000')
        .replace(/\*\*/g, '\u0001')
        .replace(/\*/g, '[^/]*')
        .replace(/\?/g, '[^/]')
        .replaceAll('\u0000', '(.*/)?')
        .replaceAll('\u0001', '.*')
      return { keeps, pattern: new RegExp(`^${source}(/|$)`) }
    })
  return path => rules.reduce((is, rule) => (rule.pattern.test(path) ? !rule.keeps : is), false)
}
