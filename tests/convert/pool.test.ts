// Several threads: the same bytes as one, clear errors when one dies, nothing left running.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConversionSummary, convertJobs, type JobsOptions, listJobs } from '../../convert/convert.ts'
import type { ConversionJob } from '../../convert/job.ts'
import { planConversion } from '../../convert/scope-conversion.ts'
import { everything } from '../../convert/select.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { assistant, record, text, user } from './script.ts'

/** Worker threads cannot load TypeScript. */
const compiled = new URL('../../dist/cli/convert-thread.js', import.meta.url)

const sessions = ['one', 'two', 'three', 'four', 'five']
let directory: string
let store: Store
let jobs: readonly ConversionJob[]

/** Every session but the last has a conversation that an earlier one has too; `three` is larger than what a thread may send ahead. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'turnpike-pool-'))
  store = await openStore(join(directory, 'store'))
  for (const [number, id] of sessions.entries()) {
    const scope = { kind: 'session', id } as const
    const shared = [user(`question ${number % 2}`), assistant(text('answer'))]
    await record(
      store,
      { id: `${id}-a`, at: number * 100, messages: shared.slice(0, 1), answer: assistant(text('answer')) },
      scope,
    )
    await record(
      store,
      {
        id: `${id}-b`,
        at: number * 100 + 1,
        messages: [...shared, user(id === 'five' ? 'five' : 'more')],
        answer: assistant(text('end')),
      },
      scope,
    )
    if (id !== 'three') continue
    for (let call = 0; call < 6; call += 1)
      await record(
        store,
        {
          id: `big-${call}`,
          at: 900 + call,
          messages: [user(`${call} ${'long '.repeat(170_000)}`)],
          answer: assistant(text('ok')),
        },
        scope,
      )
  }
  const refs = sessions.map((id): Ref => ({ kind: 'session', id, name: id }))
  jobs = await listJobs(store, refs)
})
afterAll(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

async function convert(options: JobsOptions & { readonly dedup?: boolean; readonly slow?: boolean } = {}) {
  const { dedup = false, slow = false, ...rest } = { thread: compiled, ...options }
  const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup })
  const conversion = convertJobs(jobs, plan, rest)
  const parts: Buffer[] = []
  for await (const { bytes, scope, rows } of conversion.batches) {
    if (slow) await new Promise(resolve => setTimeout(resolve, 20))
    parts.push(Buffer.from(`${scope.name} ${rows}\n`), Buffer.from(bytes))
  }
  return { bytes: Buffer.concat(parts), summary: conversion.summary() }
}

function holds(summary: ConversionSummary): void {
  expect(summary.generations_in).toBe(summary.generations_out + summary.duplicates)
  expect(summary.tokens_in).toBe(summary.tokens_out + summary.tokens_duplicates)
}

describe('converting with several threads', () => {
  it.each([false, true])(
    'gives the same bytes and sums with any number of them (dedup %s), taken fast or slowly',
    async dedup => {
      const one = await convert({ workers: 1, store, dedup })
      expect(one.summary).toMatchObject({ scopes: 5, calls: 16, generations_in: 16, duplicates: dedup ? 4 : 0 })
      holds(one.summary)
      for (const workers of [2, 4]) {
        const several = await convert({ workers, dedup, slow: workers === 4 })
        expect(several.bytes.equals(one.bytes)).toBe(true)
        expect(several.summary).toEqual(one.summary)
      }
    },
  )

  it('names for every duplicate the one that stands for it', async () => {
    const { summary } = await convert({ workers: 2, dedup: true })
    expect(summary.dropped).toEqual([
      { scope: 'three', id: 'three-a', of: { scope: 'one', id: 'one-a' } },
      { scope: 'four', id: 'four-a', of: { scope: 'two', id: 'two-a' } },
    ])
  })

  it('tells how far it is, to the last call', async () => {
    const told: number[] = []
    await convert({ workers: 2, onProgress: ({ calls }) => told.push(calls) })
    expect(told).toEqual([...told].sort((a, b) => a - b))
    expect(told.at(-1)).toBe(16)
  })

  it('uses no thread for small work unless it is asked to', async () => {
    const dead = pathToFileURL(join(directory, 'nothing.mjs'))
    const small = jobs.filter(job => job.scope.name !== 'three')
    const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup: false })
    const conversion = convertJobs(small, plan, { thread: dead })
    for await (const _ of conversion.batches);
    expect(conversion.summary().rows).toBe(4)
  })
})

describe('a thread that dies', () => {
  const write = (name: string, code: string): URL => {
    const file = join(directory, name)
    writeFileSync(file, code)
    return pathToFileURL(file)
  }
  const listen = "import { parentPort } from 'node:worker_threads'\nparentPort.on('message', message => {"

  it.each([
    ['exits', `${listen} if (message.kind === 'job') process.exit(3) })`, 'ended with status 3'],
    ['throws', `${listen} if (message.kind === 'job') throw new Error('out of luck') })`, 'out of luck'],
    ['cannot start', 'this is no program', ''],
  ])('is named with what it converted when it %s', async (name, code, why) => {
    const thread = write(`${name.replace(' ', '-')}.mjs`, code)
    const error = await convert({ workers: 2, thread }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'E_CONVERT_FAILED',
      message: expect.stringMatching(/^the thread that converted session (one|two) died$/),
    })
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining(why) })
  })

  it("passes on a thread's own error with its code", async () => {
    const lost = jobs.map(job => ({ ...job, directory: join(directory, 'nowhere') }))
    const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup: false })
    const read = async () => {
      for await (const _ of convertJobs(lost, plan, { workers: 2, thread: compiled }).batches);
    }
    await expect(read()).rejects.toMatchObject({ code: 'E_STORE_UNREADABLE' })
  })
})

describe('stopping', () => {
  it.each([1, 3])('ends with the reason of the signal, with %i threads', async workers => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup: false })
    const read = async () => {
      for await (const _ of convertJobs(jobs, plan, { workers, signal: abort.signal, thread: compiled }).batches)
        abort.abort(reason)
    }
    await expect(read()).rejects.toBe(reason)
  })

  it('stops the threads when the reader has seen enough', async () => {
    const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup: false })
    for await (const _ of convertJobs(jobs, plan, { workers: 3, thread: compiled }).batches) break
    // Whatever still ran would keep vitest from ending; a second conversion must not meet it either.
    expect((await convert({ workers: 2 })).summary.rows).toBe(11)
  })
})
