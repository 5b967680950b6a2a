// Whether a program can be run on this machine. Looks only.

import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

export function canExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `path` as in the variable PATH; an empty part of it stands for nothing. */
export const isOnPath = (program: string, path: string): boolean =>
  path.split(':').some(folder => folder !== '' && canExecute(join(folder, program)))
