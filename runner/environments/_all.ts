// Every environment there is. Adding one is one file and one line here.

import { TurnpikeError } from '../../core/errors.ts'
import type { EnvironmentAdapter } from './_adapter.ts'
import docker from './docker.ts'
import local from './local.ts'

export const environments: readonly EnvironmentAdapter[] = [local, docker]

export function findEnvironment(id: string): EnvironmentAdapter {
  const found = environments.find(environment => environment.id === id)
  if (found) return found
  const known = environments.map(environment => environment.id).join(', ')
  throw new TurnpikeError('E_USAGE', `unknown environment "${id}"; known: ${known}`)
}
