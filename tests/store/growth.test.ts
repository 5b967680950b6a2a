// The promise that n calls cost what is new in them: bytes on disk and time grow with the calls, not with their square.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { cpuOf } from '../growth.ts'
import { recordExchange, writeConversation } from './_conversation.ts'
import { makeDirectory } from './_store.ts'

/** Slope of the line through the points in a log-log plot. */
function growthExponent(points: ReadonlyArray<readonly [x: number, y: number]>): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (at: 0 | 1): number => logs.reduce((sum, point) => sum + point[at], 0) / logs.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

it('bytes on disk grow linearly with the calls of a conversation, and time nearly so', async () => {
  const bytes: Array<[number, number]> = []
  const times: Array<[number, number]> = []
  for (const calls of [50, 100, 200, 400]) {
    const bodies = writeConversation(calls)
    const directory = await makeDirectory()
    const store = await openStore(directory)
    const record = async (): Promise<void> => {
      for (const [at, body] of bodies.entries()) await recordExchange(store, body, `answer ${at}`)
    }
    times.push([calls, await cpuOf(record)])
    await store.close()
    bytes.push([calls, (await stat(join(directory, 'turnpike.db'))).size])
  }
  // Beyond the first point: an empty store has its fixed size and room for some rows.
  const [first = [0, 0], ...others] = bytes
  const byteExponent = growthExponent(others.map(([calls, size]) => [calls - first[0], size - first[1]]))
  const timeExponent = growthExponent(times)
  console.log(
    `bytes grow by ^${byteExponent.toFixed(3)} ${JSON.stringify(bytes)}, CPU by ^${timeExponent.toFixed(3)} ${JSON.stringify(times)}`,
  )
  expect(byteExponent).toBeLessThan(1.05)
  // Each call's bytes must at least be received and compared, 600 KB at the end: well below a square all the same.
  expect(timeExponent).toBeLessThan(1.5)
}, 180_000)
