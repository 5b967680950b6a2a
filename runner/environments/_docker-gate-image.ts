// The image of the gate: this machine's own Node with the libraries it is linked with, and a dozen lines that relay. Nothing is pulled for it.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { pack } from 'tar-stream'
import { TurnpikeError } from '../../core/errors.ts'
import { askDocker, hasImage, labels, useDocker } from './_docker-client.ts'

/** Inside the container; above what programs choose and below what kernels hand out. */
export const proxyPort = 14_001
export const tunnelPort = 14_002

const relay = `const net = require('node:net')
const open = (port, path) => net.createServer({ allowHalfOpen: true }, one => {
  const other = net.connect({ path, allowHalfOpen: true })
  const end = () => { one.destroy(); other.destroy() }
  one.on('error', end); other.on('error', end)
  one.pipe(other); other.pipe(one)
}).listen(port, '127.0.0.1')
open(${proxyPort}, '/gate/proxy.sock')
open(${tunnelPort}, '/gate/tunnel.sock')
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit())
`

let made: Promise<string> | null = null

export function buildGateImage(signal: AbortSignal): Promise<string> {
  made ??= make(signal).catch((error: unknown) => {
    made = null
    throw error
  })
  return made
}

async function make(signal: AbortSignal): Promise<string> {
  const docker = await useDocker()
  const program = await realpath(process.execPath)
  const { size, mtimeMs } = await stat(program)
  const digest = createHash('sha256').update(`${program} ${size} ${mtimeMs} ${process.version}\n${relay}`).digest('hex')
  const name = `turnpike/gate:${digest.slice(0, 32)}`
  if (await hasImage(name)) return name
  signal.throwIfAborted()
  return askDocker('the image of the gate cannot be made', async () => {
    const archive = pack()
    const packing = packFiles(archive, program)
    const stream = await docker.buildImage(Readable.from(archive) as unknown as NodeJS.ReadableStream, {
      t: name,
      labels: { [labels.made]: 'image' },
      rm: true,
      forcerm: true,
    })
    await packing
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(
        stream,
        error => (error ? reject(error) : resolve()),
        (event: { error?: string }) => event.error && reject(new TurnpikeError('E_ENVIRONMENT_FAILED', event.error)),
      )
    })
    return name
  })
}

async function packFiles(archive: ReturnType<typeof pack>, program: string): Promise<void> {
  archive.entry({ name: 'Dockerfile' }, 'FROM scratch\nCOPY files /\nENTRYPOINT ["/node", "/relay.cjs"]\n')
  archive.entry({ name: 'files/relay.cjs' }, relay)
  for (const [from, to] of [[program, '/node'], ...(await listLibraries(program)).map(path => [path, path])]) {
    if (from === undefined || to === undefined) continue
    const { size } = await stat(from)
    await pipeline(createReadStream(from), archive.entry({ name: `files${to}`, size, mode: 0o755 }))
  }
  archive.finalize()
}

/** Libraries a program of this machine is linked with, and its loader. */
async function listLibraries(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]).catch((error: unknown) => {
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the libraries of ${program} cannot be listed`, {
      hint: 'install ldd (libc-bin)',
      cause: error,
    })
  })
  const found = [...stdout.matchAll(/(?:=> )?(\/[^\s]+) \(0x/g)].map(match => match[1] ?? '')
  return [...new Set(found)].filter(path => dirname(path) !== '/')
}
