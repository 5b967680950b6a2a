// What an agent that is root in its container brings about by replacing programs of the system: a shell that does nothing, a container that cannot
// start again. Beside docker.ts, around its commands and copies. None of it may pass for broken infrastructure, which would take a zero away.

import type Docker from 'dockerode'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { Environment } from './_adapter.ts'
import { unknownUser } from './_docker-client.ts'
import { listLostUsers, listReplaced } from './_docker-workspace.ts'

type Watched = Required<Pick<Environment, 'exec' | 'endProcesses' | 'exportWorkspace' | 'onCopy'>> &
  Pick<Environment, 'beginCopy'>

/** As the kernel's own "cannot be executed". */
const noExec = 126

export function blameTampering(container: Docker.Container, watched: Watched): Watched {
  /** Rethrows what has another cause. */
  const explain = async (error: unknown): Promise<TurnpikeError> => {
    const replaced = isBreakdown(error) ? await listBroken(container, error) : []
    if (replaced.length === 0) throw error
    const what = replaced.slice(0, 3).join(', ')
    return new TurnpikeError('E_ENVIRONMENT_FAILED', `the container works no more; replaced in it: ${what}`, {
      cause: error,
      details: { blame: 'workspace' },
    })
  }
  const blame = async (error: unknown): Promise<never> => {
    throw await explain(error)
  }
  const { exec, endProcesses, beginCopy } = watched
  return {
    exec: async (argv, options) => {
      const startedAt = performance.now()
      try {
        return await exec(argv, options)
      } catch (error) {
        const stderr = (await explain(error)).message
        return { ended: 'exited', exit: noExec, stdout: '', stderr, ms: performance.now() - startedAt, startFailure: null }
      }
    },
    // A container that has ended holds no process.
    endProcesses: () => endProcesses().catch(async error => (await explain(error)) && 1),
    exportWorkspace: () => watched.exportWorkspace().catch(blame),
    onCopy: work => watched.onCopy(work).catch(blame),
    // Whoever uses the copy is told.
    ...(beginCopy === undefined ? {} : { beginCopy: () => beginCopy().catch(async error => void (await explain(error))) }),
  }
}

async function listBroken(container: Docker.Container, { message }: TurnpikeError): Promise<string[]> {
  return unknownUser.test(message) ? listLostUsers(container, message) : listReplaced(container)
}

const isBreakdown = (error: unknown): error is TurnpikeError =>
  isTurnpikeError(error) &&
  error.details['outage'] !== true &&
  (error.details['lost'] === true || /OCI runtime|cannot be started/.test(error.message) || unknownUser.test(error.message))
