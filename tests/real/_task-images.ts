// Images that were built for tasks of a test, removed after it.
import type Docker from 'dockerode'
import { useDocker } from '../../runner/environments/_docker-client.ts'
import { prepareImage } from '../../runner/environments/_docker-images.ts'
import { loadTasks } from '../../runner/tasks/_all.ts'
import { never } from '../runner/_sandbox.ts'

export async function removeImages(path: string): Promise<void> {
  const { tasks } = await loadTasks(path, { environment: {}, harborCompat: false })
  const places = tasks.flatMap(task => [task.environment, ...task.turns.map(turn => turn.verifier.separate)])
  const docker = await useDocker()
  for (const place of places) {
    if (place?.image?.kind !== 'build') continue
    // Known by its content, so this builds nothing.
    const name = await prepareImage(place, null, never)
    await removeImage(docker, name)
  }
}

/** One that another test uses stays; one that it has removed is gone. */
export async function removeImage(docker: Docker, name: string): Promise<void> {
  await docker
    .getImage(name)
    .remove()
    .catch(() => undefined)
}
