import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseInject } from '../../../proxy/inject/spec.ts'
import { parseInjectFile, readInject } from '../../../proxy/inject/spec-file.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-inject-'))
})
afterAll(() => rm(directory, { recursive: true }))

const file = `version: 1
seed: 7
faults:
  - fault: 429
    rate: 0.5
    retry_after: 2
  - fault: cut
    after: 3
    call: [2, 4-6]
`

it('reads a file into the same rules as the short form', async () => {
  const path = join(directory, 'faults.yaml')
  await writeFile(path, file)
  expect(await readInject(`@${path}`)).toEqual(parseInject('429 rate=0.5 retry-after=2; cut after=3 call=2|4-6; seed=7'))
  expect(await readInject('429')).toEqual(parseInject('429'))
})

it.each([
  ['version: 1\nfaults:\n  - fault: 429\n    rate: 2\n', 'f.yaml:4:11: rate must be above 0 and at most 1, got "2"'],
  ['version: 1\nfaults:\n  - fault: cutt\n', 'f.yaml:3:12: unknown fault "cutt"; did you mean "cut"?'],
  ['version: 1\nfaults:\n  - fault: cut\n    ater: 2\n', 'f.yaml:4:11: unknown word "ater"; did you mean "after"?'],
  ['version: 1\nfaults: []\n', 'f.yaml:2:'],
  ['version: 2\nfaults: [{ fault: cut }]\n', 'f.yaml:1:'],
])('refuses %j with its line', (text, message) => {
  expect(() => parseInjectFile(text, 'f.yaml')).toThrow(
    expect.objectContaining({ code: 'E_INJECT_INVALID', message: expect.stringContaining(message) }),
  )
})

it('says which file cannot be read', async () => {
  await expect(readInject(`@${directory}/none.yaml`)).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
})
