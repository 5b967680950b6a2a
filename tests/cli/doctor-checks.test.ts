import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkKeys, checkNode, checkPort, checkStore } from '../../cli/doctor-checks.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'turnpike-doctor-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it.each([
  ['v20.19.0', 'ok'],
  ['v22.1.0', 'ok'],
  ['v20.18.3', 'fail'],
  ['v18.20.0', 'fail'],
])('Node %s is %s', (version, state) => {
  expect(checkNode(version).state).toBe(state)
})

it('tries the store where it would be made, and leaves nothing behind', async () => {
  expect(await checkStore(join(directory, 'new', 'store'))).toMatchObject({ state: 'ok' })
  expect(readdirSync(directory)).toEqual([])
})

it('sees that a port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  expect(await checkPort('127.0.0.1', port)).toMatchObject({ state: 'warn', found: expect.stringContaining('EADDRINUSE') })
  server.close()
})

describe('keys', () => {
  const models = `version: 1
providers:
  one: { key_env: ONE_KEY, endpoints: { openai-chat: { base_url: https://one.example } } }
  two: { key_env: TWO_KEY, endpoints: { openai-chat: { base_url: https://two.example } } }
  local: { endpoints: { openai-chat: { base_url: http://127.0.0.1:1 } } }
routes:
  - { model: "*", provider: one }
`
  it('are set or not; their value is never told', async () => {
    const file = join(directory, 'models.yaml')
    writeFileSync(file, models)
    const finding = await checkKeys(file, { TWO_KEY: 'the-secret-value' })
    expect(finding).toEqual({ name: 'keys', state: 'ok', found: 'set: TWO_KEY; not set: ONE_KEY', advice: null })
    expect((await checkKeys(file, {})).state).toBe('warn')
    rmSync(file)
  })
  it('of a models file that is wrong are a failure', async () => {
    expect(await checkKeys(join(directory, 'none.yaml'), {})).toMatchObject({ state: 'fail' })
  })
})
