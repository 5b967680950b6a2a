// Files that commands write results to. Their folder is made; a place that cannot be written is an error of the person's own,
// named with the path it concerns.

import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { TurnpikeError } from '../core/errors.ts'

export interface ResultFile {
  /** Resolves when the bytes have been taken. */
  readonly write: (data: string | Uint8Array) => Promise<void>
  readonly close: () => Promise<void>
  /** Stops in the middle: what was written stays where it is. */
  readonly abandon: () => Promise<void>
}

export async function openResult(file: string, options: { readonly gzip?: boolean } = {}): Promise<ResultFile> {
  await makeFolder(file)
  const sink = createWriteStream(file)
  const gzip = options.gzip === true ? createGzip() : null
  const head = gzip ?? sink
  let failure: unknown = null
  let reject: (cause: unknown) => void = () => {}
  const done = gzip === null ? waitFor(sink) : pipeline(gzip, sink)
  // Reported by the write or close that meets it: a compressor whose file is gone answers no write any more.
  done.catch((cause: unknown) => {
    failure = cause
    reject(cause)
  })
  return {
    write: async data => {
      if (failure !== null) throw cannotWrite(file, failure)
      await new Promise<void>((resolve, fail) => {
        reject = fail
        head.write(data, error => (error ? fail(error) : resolve()))
      }).catch((cause: unknown) => {
        throw cannotWrite(file, failure ?? cause)
      })
    },
    close: async () => {
      if (!head.writableEnded) head.end()
      await done.catch((cause: unknown) => {
        throw cannotWrite(file, cause)
      })
    },
    abandon: async () => {
      head.destroy()
      sink.destroy()
      await done.catch(() => {})
    },
  }
}

function waitFor(sink: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.once('error', reject)
    sink.once('close', () => resolve())
  })
}

export async function writeResult(file: string, content: string | Uint8Array): Promise<void> {
  await makeFolder(file)
  await writeFile(file, content).catch((cause: unknown) => {
    throw cannotWrite(file, cause)
  })
}

async function makeFolder(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => {
    throw cannotWrite(file, cause)
  })
}

export function cannotWrite(file: string, cause: unknown): TurnpikeError {
  return new TurnpikeError('E_FILE_UNREADABLE', `cannot write ${file}`, { cause })
}
