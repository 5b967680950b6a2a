// What this process may do with a file of this machine. Looks only.

import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

export const canBeRead = (path: string): boolean => isAllowed(path, constants.R_OK)

export const canExecute = (path: string): boolean => isAllowed(path, constants.X_OK)

/** `path` as in the variable PATH; an empty part of it stands for nothing. */
export const isOnPath = (program: string, path: string): boolean =>
  path.split(':').some(folder => folder !== '' && canExecute(join(folder, program)))

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
