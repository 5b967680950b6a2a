// Processes that record are killed with SIGKILL. What they had been told is committed must be there; what was in flight must be found
// with what had arrived; a living process's exchanges must be left alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../store/open.ts'
import { describeBegin, describeEnd } from '../store/_conversation.ts'
import { makeDirectory } from '../store/_store.ts'

interface Child {
  readonly process: ChildProcess
  readonly done: string[]
  readonly open: string[]
  /** Resolves with the line that matches. */
  readonly wait: (found: () => boolean) => Promise<void>
  readonly exited: Promise<unknown>
}

function startChild(directory: string, mode: 'conversation' | 'stream', name: string): Child {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../store/_child.ts', import.meta.url)), directory, mode, name],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const [done, open]: [string[], string[]] = [[], []]
  const waiters = new Set<() => void>()
  createInterface({ input: child.stdout! }).on('line', line => {
    const [word, id = ''] = line.split(' ')
    if (word === 'done') done.push(id)
    if (word === 'open') open.push(id)
    for (const waiter of waiters) waiter()
  })
  const wait = (found: () => boolean): Promise<void> =>
    new Promise(resolve => {
      const check = (): void => {
        if (found()) resolve()
      }
      waiters.add(check)
      check()
    })
  return { process: child, done, open, wait, exited: new Promise(resolve => child.once('close', resolve)) }
}

const kill = async (child: Child): Promise<void> => {
  child.process.kill('SIGKILL')
  await child.exited
}

it('everything a killed process was told is committed is there, byte for byte', async () => {
  const directory = await makeDirectory()
  const told: string[] = []
  for (const [round, calls] of [3, 40, 90].entries()) {
    const child = startChild(directory, 'conversation', `k${round}-`)
    await child.wait(() => child.done.length >= calls)
    await kill(child)
    told.push(...child.done)
  }
  const store = await openStore(directory)
  const exchanges = new Map((await store.exchanges({})).map(exchange => [exchange.id, exchange]))
  for (const id of told) {
    expect(exchanges.get(id)).toMatchObject({ outcome: 'complete', status: 200 })
    expect((await store.readBody(id, 'response'))?.bytes.toString()).toContain(`answer of ${id} `)
  }
  const outcomes = [...exchanges.values()].map(({ outcome }) => outcome)
  expect(outcomes.filter(outcome => outcome === 'in-flight')).toEqual([])
  expect((await store.verify()).bad).toEqual([])
  await store.close()
  expect(await readdir(join(directory, 'owners'))).toEqual([])
})

it('an answer that was streaming is found as proxy-killed, with what had arrived and no secret', async () => {
  const directory = await makeDirectory()
  const child = startChild(directory, 'stream', 'cut')
  await child.wait(() => child.open.length > 0)
  await kill(child)
  // Reading alone recovers nothing, but shows what is there.
  const reader = await openStore(directory, { readOnly: true })
  expect(await reader.exchanges({})).toMatchObject([{ outcome: 'in-flight', status: 200 }])
  await reader.close()
  const store = await openStore(directory)
  const [exchange] = await store.exchanges({})
  expect(exchange).toMatchObject({ id: child.open[0], outcome: 'proxy-killed', status: 200, failure: { code: 'E_INTERRUPTED' } })
  const answer = await store.readBody(exchange!.id, 'response')
  expect(answer?.bytes.toString()).toBe('arrived ******************** and more ')
  expect(answer?.masked).toEqual([[8, 20]])
  expect(exchange?.responseBytes).toBe(answer?.bytes.length)
  expect((await store.readArrivals(exchange!.id)).length).toBe(2)
  expect((await store.verify()).bad).toEqual([])
  await store.close()
})

it('what runs in a living process is left alone when another one opens the store', async () => {
  const directory = await makeDirectory()
  const child = startChild(directory, 'stream', 'alive')
  await child.wait(() => child.open.length > 0)
  const store = await openStore(directory)
  expect(await store.exchanges({})).toMatchObject([{ id: child.open[0], outcome: 'in-flight' }])
  const begin = describeBegin('{}')
  await store.recorder.begin(begin)
  const second = await openStore(directory)
  expect((await second.exchanges({})).map(({ outcome }) => outcome)).toEqual(['in-flight', 'in-flight'])
  await second.close()
  await store.recorder.end(begin.id, describeEnd())
  await kill(child)
  await store.close()
  const last = await openStore(directory)
  expect((await last.exchanges({})).map(({ outcome }) => outcome)).toEqual(['proxy-killed', 'complete'])
  await last.close()
})

it('two processes record into one store at the same time', async () => {
  const directory = await makeDirectory()
  const children = ['a', 'b'].map(name => startChild(directory, 'conversation', name))
  await Promise.all(children.map(child => child.exited))
  const store = await openStore(directory, { readOnly: true })
  const exchanges = await store.exchanges({})
  expect(exchanges).toHaveLength(1600)
  expect(exchanges.every(({ outcome }) => outcome === 'complete')).toBe(true)
  for (const child of children) expect(child.done).toHaveLength(800)
  const report = await store.verify()
  expect(report.bad).toEqual([])
  expect(report.bytesRaw / report.bytesStored).toBeGreaterThan(20)
  await store.close()
}, 120_000)
