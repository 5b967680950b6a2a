// A disk that is full, and one that cannot be written: real file systems, mounted for the test.
import { spawnSync } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../store/open.ts'
import { describeBegin, describeEnd, readText, recordExchange, writeFiller } from '../store/_conversation.ts'
import { makeDirectory } from '../store/_store.ts'

async function mountSmallDisk(size: string): Promise<string | null> {
  const directory = await makeDirectory()
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]).status !== 0) {
    console.log('skipped: no file system can be mounted here (that needs root)')
    return null
  }
  onTestFinished(() => void spawnSync('umount', ['-l', directory]))
  return directory
}

it('a full disk refuses what does not fit, keeps what was acknowledged, and recovers by itself', async context => {
  const disk = await mountSmallDisk('2m')
  if (disk === null) return context.skip()
  const store = await openStore(join(disk, 'store'))
  const held = describeBegin('{"held":true}')
  await store.recorder.begin(held)
  store.recorder.append(held.id, Buffer.from('an answer that was running when the disk filled up'), held.startedAt)

  const kept = new Map<string, string>()
  const refused: unknown[] = []
  for (let call = 0; call < 200 && refused.length < 5; call++) {
    const body = `{"n":${call},"noise":"${writeFiller(call, 60_000)}"}`
    await recordExchange(store, body, `answer ${call}`).then(
      id => kept.set(id, body),
      error => refused.push(error),
    )
  }
  expect(refused).toHaveLength(5)
  for (const error of refused)
    expect(error).toMatchObject({ code: 'E_RECORD_FAILED', cause: { message: expect.stringMatching(/full|disk/) } })
  expect(kept.size).toBeGreaterThan(5)

  // A huge beginning in the same commit must not take a finished answer with it, if there is room for that one at all.
  await writeFile(join(disk, 'ballast'), Buffer.alloc(4 * 1024 * 1024)).catch(() => undefined)
  await rm(join(disk, 'ballast'))
  const huge = describeBegin(`{"noise":"${writeFiller(1, 3_000_000)}"}`)
  const settled = await Promise.allSettled([store.recorder.begin(huge), store.recorder.end(held.id, describeEnd())])
  expect(settled[0]).toMatchObject({ status: 'rejected', reason: { code: 'E_RECORD_FAILED' } })

  spawnSync('mount', ['-o', 'remount,size=64m', disk])
  if (settled[1]?.status === 'rejected') await store.recorder.end(held.id, describeEnd())
  kept.set(await recordExchange(store, '{"after":1}', 'room again'), '{"after":1}')
  expect(await readText(store, held.id, 'response')).toBe('an answer that was running when the disk filled up')
  for (const [id, body] of kept) expect(await readText(store, id, 'request')).toBe(body)
  expect((await store.verify()).bad).toEqual([])
  await store.close()
  const reader = await openStore(join(disk, 'store'), { readOnly: true })
  expect((await reader.exchanges({})).filter(({ outcome }) => outcome === 'complete')).toHaveLength(kept.size + 1)
  expect((await reader.verify()).bad).toEqual([])
  await reader.close()
})

it('a finished answer is kept although a beginning of the same commit does not fit', async context => {
  const disk = await mountSmallDisk('3m')
  if (disk === null) return context.skip()
  const store = await openStore(join(disk, 'store'))
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  store.recorder.append(begin.id, Buffer.from('finished'), begin.startedAt)
  const huge = describeBegin(`{"noise":"${writeFiller(1, 5_000_000)}"}`)
  const settled = await Promise.allSettled([store.recorder.begin(huge), store.recorder.end(begin.id, describeEnd())])
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  expect(await readText(store, begin.id, 'response')).toBe('finished')
  expect(await store.exchanges({})).toMatchObject([{ id: begin.id, outcome: 'complete' }])
  await store.close()
})

it('where there is room for one of the two, the finished answer is kept and the new beginning refused', async context => {
  const disk = await mountSmallDisk('3m')
  if (disk === null) return context.skip()
  const store = await openStore(join(disk, 'store'))
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  store.recorder.append(begin.id, Buffer.from(writeFiller(2, 1_600_000)), begin.startedAt)
  const next = describeBegin(`{"noise":"${writeFiller(1, 1_600_000)}"}`)
  const settled = await Promise.allSettled([store.recorder.begin(next), store.recorder.end(begin.id, describeEnd())])
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  expect(await readText(store, begin.id, 'response')).toBe(writeFiller(2, 1_600_000))
  await store.close()
})

it('an answer that could not be recorded and is not tried again is closed as cut off once there is room', async context => {
  const disk = await mountSmallDisk('2m')
  if (disk === null) return context.skip()
  const store = await openStore(join(disk, 'store'))
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  store.recorder.append(begin.id, Buffer.from(writeFiller(3, 3_000_000)), begin.startedAt)
  await expect(store.recorder.end(begin.id, describeEnd())).rejects.toMatchObject({ code: 'E_RECORD_FAILED' })
  expect(await store.exchanges({})).toMatchObject([{ outcome: 'in-flight' }])
  spawnSync('mount', ['-o', 'remount,size=64m', disk])
  await expect.poll(async () => (await store.exchanges({}))[0]?.outcome, { timeout: 15_000, interval: 200 }).toBe('proxy-killed')
  expect(await store.exchanges({})).toMatchObject([{ responseBytes: 3_000_000, failure: { code: 'E_RECORD_FAILED' } }])
  await store.close()
}, 30_000)

it('a store on a read-only medium can be read, and says that it cannot be written', async context => {
  const disk = await mountSmallDisk('8m')
  if (disk === null) return context.skip()
  const made = await makeDirectory()
  const store = await openStore(made)
  const id = await recordExchange(store, '{"a":1}', 'kept')
  await store.close()
  await mkdir(join(disk, 'store'))
  await cp(join(made, 'turnpike.db'), join(disk, 'store', 'turnpike.db'))
  spawnSync('mount', ['-o', 'remount,ro', disk])
  const reader = await openStore(join(disk, 'store'), { readOnly: true })
  expect(await readText(reader, id, 'response')).toBe('kept')
  expect((await reader.verify()).bad).toEqual([])
  await reader.close()
  await expect(openStore(join(disk, 'store'))).rejects.toMatchObject({
    code: expect.stringMatching(/E_STORE_UNREADABLE|E_RECORD_FAILED/),
  })
})
