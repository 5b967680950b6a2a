import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAuthorities } from '../../proxy/forward-trust.ts'
import { makeAuthority } from '../certificates.ts'

let directory: string
const mine = makeAuthority('mine').cert.replaceAll('\r\n', '\n').trim()
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(directory, name), text)
  return join(directory, name)
}
const has = (found: readonly string[]): boolean => found.some(pem => pem.replaceAll('\r\n', '\n') === mine)
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-trust-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('readAuthorities', () => {
  it('holds what Node brings along, each certificate once', async () => {
    const found = await readAuthorities({ environment: {}, file: null })
    expect(found.length).toBeGreaterThanOrEqual(rootCertificates.length)
    expect(new Set(found).size).toBe(found.length)
    expect(has(found)).toBe(false)
  })

  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('reads the file in %s', async name => {
    const file = await write(
      'bundle.pem',
      `# a comment\n${mine}\n-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n`,
    )
    expect(has(await readAuthorities({ environment: { [name]: file }, file: null }))).toBe(true)
  })

  it('passes over a variable that names no file', async () => {
    const found = await readAuthorities({ environment: { SSL_CERT_FILE: join(directory, 'none') }, file: null })
    expect(found.length).toBeGreaterThanOrEqual(rootCertificates.length)
  })

  it("reads the operator's own file, and says what is wrong with it", async () => {
    expect(has(await readAuthorities({ environment: {}, file: await write('own.pem', `${mine}\n`) }))).toBe(true)
    const missing = readAuthorities({ environment: {}, file: join(directory, 'missing.pem') })
    await expect(missing).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
    const empty = readAuthorities({ environment: {}, file: await write('empty.pem', 'no certificate') })
    await expect(empty).rejects.toMatchObject({ code: 'E_CONFIG_INVALID', message: expect.stringContaining('empty.pem') })
  })
})
