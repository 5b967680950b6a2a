// Images that were built for tasks of a test, removed after it.
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
    // Known by its content, so this builds nothing. One that another test uses as well stays with that test.
    const name = await prepareImage(place, null, never)
    await docker
      .getImage(name)
      .remove()
      .catch(() => undefined)
  }
}
