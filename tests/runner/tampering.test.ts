import { expect, it } from 'vitest'
import { createTamperWatch } from '../../runner/tampering.ts'

it('tells what was replaced since it last looked, and nothing of what the set-up did', async () => {
  let replaced = ['/usr/bin/python3']
  const watch = await createTamperWatch({ listReplaced: async () => replaced })
  expect(await watch.inspect()).toEqual([])
  replaced = ['/bin/sh', '/usr/bin/python3']
  expect(await watch.inspect()).toEqual(['/bin/sh'])
  expect(await watch.inspect()).toEqual([])
})

it('says nothing where no program of the system can be replaced', async () => {
  expect(await (await createTamperWatch({})).inspect()).toEqual([])
})
