// Layers here are directories with a layer.json: what is in them does not matter to whoever removes them.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findAgent } from '../../runner/agents/_all.ts'
import { ownerName } from '../../runner/environments/_docker-reaper.ts'
import { pruneLayers } from '../../runner/layer-prune.ts'
import { listUses, markUse } from '../../runner/layer-uses.ts'
import { placeLayer } from '../../runner/layers.ts'
import { makeDirectory } from './_sandbox.ts'

function openCache() {
  const directory = makeDirectory()
  const make = (name: string, id: string, version: string): string => {
    mkdirSync(join(directory, name, 'bin'), { recursive: true })
    writeFileSync(join(directory, name, 'layer.json'), JSON.stringify({ id, version }))
    writeFileSync(join(directory, name, 'bin', id), 'x'.repeat(1000))
    return join(directory, name)
  }
  const prune = async (names: readonly string[] = [], dryRun = false) =>
    (await pruneLayers({ directory, names, dryRun })).map(({ directory: place, kept }) => [place, kept])
  const codex = findAgent('codex').layer
  if (codex === null) throw new Error('codex has a layer')
  const current = make(placeLayer(codex, directory).slice(directory.length + 1), 'codex', codex.version)
  const old = make('codex-0.1.0-aaaaaaaaaaaa', 'codex', '0.1.0')
  const own = make('mini-own-bbbbbbbbbbbb', 'mini', 'own')
  return { directory, make, prune, current, old, own, version: codex.version }
}

it('removes programs of our own that another version has left, and nothing else unasked', async () => {
  const { directory, prune, current, old, own } = openCache()
  mkdirSync(join(directory, 'mini-own-of-somebody'))
  writeFileSync(join(directory, 'notes.txt'), 'mine')
  expect(await prune([], true)).toEqual([[own, null]])
  expect(existsSync(own)).toBe(true)
  expect(await prune()).toEqual([[own, null]])
  expect([own, old, current].map(place => existsSync(place))).toEqual([false, true, true])
  expect(
    readdirSync(directory)
      .filter(name => !name.startsWith('codex'))
      .sort(),
  ).toEqual(['mini-own-of-somebody', 'notes.txt'])
})

it('removes what is named: all but what is in use here, or one version', async () => {
  const { prune, current, old, own, version } = openCache()
  expect(await prune(['codex'])).toEqual([
    [old, null],
    [current, 'this Turnpike uses it'],
  ])
  expect(await prune([`codex@${version}`])).toEqual([[current, null]])
  expect([own, old, current].map(place => existsSync(place))).toEqual([true, false, false])
  await expect(prune(['codecs'])).rejects.toThrow(/no programs are kept of an agent "codecs"/)
  await expect(prune(['nop'])).rejects.toThrow(/no programs are kept/)
})

it('keeps what a living process uses, and forgets the dead', async () => {
  const { directory, prune, own } = openCache()
  const name = own.slice(directory.length + 1)
  await markUse(directory, name)
  const [host, pid] = [hostname(), process.pid]
  expect(await prune()).toEqual([[own, `in use by process ${pid} of ${host}`]])
  expect(readFileSync(join(own, 'bin', 'mini'), 'utf8')).toHaveLength(1000)
  // The same id, started at another time, is another process; one of another machine cannot be asked.
  const [mark = ''] = readdirSync(join(directory, '.in-use'))
  const child = spawn('true')
  await new Promise(resolve => child.once('exit', resolve))
  const marks = [`${host}/${pid}/1`, `${host}/${child.pid}/5`, 'elsewhere/1/1']
  for (const owner of marks) writeFileSync(join(directory, '.in-use', `${name}@${encodeURIComponent(owner)}`), '')
  expect([...(await listUses(directory))]).toEqual([[name, expect.arrayContaining([ownerName(), 'elsewhere/1/1'])]])
  expect(readdirSync(join(directory, '.in-use'))).toHaveLength(2)
  expect(readdirSync(join(directory, '.in-use'))).toContain(mark)
})

it('leaves no half of a layer when somebody comes in between', async () => {
  const { directory, prune, own } = openCache()
  const name = own.slice(directory.length + 1)
  const results = await Promise.all([prune(), markUse(directory, name)])
  const kept = results[0]?.[0]?.[1] ?? null
  expect(existsSync(join(own, 'bin', 'mini'))).toBe(kept !== null)
  expect(readdirSync(directory).filter(entry => entry.startsWith('.making'))).toEqual([])
})
