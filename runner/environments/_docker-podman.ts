// What Podman's socket does otherwise than Docker's, where the difference would change what a trial measures.

import type { IncomingMessage } from 'node:http'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'

/** Of a file's mode, as Go writes it. */
const linkBit = 2 ** 27

interface PathStat {
  readonly name?: string
  readonly mode?: number
  readonly linkTarget?: string
}

/**
 * Docker gives out a link as a link. Podman gives out what it leads to, under the link's own name, and says only beside it that there is one: what an
 * agent linked to would count as its own file.
 */
export function keepLink(stream: NodeJS.ReadableStream, path: string): NodeJS.ReadableStream {
  const { headers } = stream as Partial<IncomingMessage>
  if (headers?.['libpod-api-version'] === undefined) return stream
  const { mode = 0, linkTarget = '' } = readStat(headers['x-docker-container-path-stat'])
  if (Math.floor(mode / linkBit) % 2 === 0) return stream
  ;(stream as Readable).destroy()
  const archive = pack()
  archive.entry({ name: basename(path), type: 'symlink', linkname: linkTarget })
  archive.finalize()
  return Readable.from(archive)
}

function readStat(header: string | readonly string[] | undefined): PathStat {
  try {
    return JSON.parse(Buffer.from(String(header), 'base64').toString()) as PathStat
  } catch {
    return {}
  }
}
