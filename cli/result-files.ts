// Files that commands write: made with their folders, and a failure named with the path it concerns.

import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { TurnpikeError } from '../core/errors.ts'

export interface ResultFile {
  /** Resolves when the line has been taken. */
  readonly write: (text: string) => Promise<void>
  readonly close: () => Promise<void>
}

export async function openResult(file: string): Promise<ResultFile> {
  await makeFolder(file)
  const stream = createWriteStream(file)
  const done = finished(stream)
  // Reported by the write or close that meets it.
  done.catch(() => {})
  return {
    write: text =>
      new Promise((resolve, reject) => {
        stream.write(text, error => (error ? reject(cannotWrite(file, error)) : resolve()))
      }),
    close: async () => {
      stream.end()
      await done.catch((cause: unknown) => {
        throw cannotWrite(file, cause)
      })
    },
  }
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

function cannotWrite(file: string, cause: unknown): TurnpikeError {
  return new TurnpikeError('E_FILE_UNREADABLE', `cannot write ${file}`, { cause })
}
