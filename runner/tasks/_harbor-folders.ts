// What lies in the folder of a Harbor task and is named by no key: is it there, and is it what it must be? One that is something else is
// refused here, before anybody plays the task. Looks only.

import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync, statSync } from 'node:fs'
import type { TomlReader } from './_toml.ts'

/** False when nothing is there. `key` is what the message names. */
export function hasFolder(reader: Pick<TomlReader, 'refuse'>, path: string, key: string): boolean {
  if (!existsSync(path)) return false
  return statSync(path).isDirectory() || reader.refuse(key, `needs ${path} to be a folder, which it is not`)
}

export function hasFile(reader: Pick<TomlReader, 'refuse'>, path: string, key: string): boolean {
  if (!existsSync(path)) return false
  return statSync(path).isFile() || reader.refuse(key, `needs ${path} to be a file, which it is not`)
}

export function readText(reader: Pick<TomlReader, 'refuse'>, path: string, key: string): string {
  if (!hasFile(reader, path, key)) return reader.refuse(key, `needs ${path}, which is missing`)
  const bytes = readBytes(reader, path, key)
  // An agent would be told something else than was written, without a word.
  return isUtf8(bytes) ? bytes.toString('utf8') : reader.refuse(key, `needs ${path} to be UTF-8, which it is not`)
}

function readBytes(reader: Pick<TomlReader, 'refuse'>, path: string, key: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    return reader.refuse(key, `needs ${path}, which cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
