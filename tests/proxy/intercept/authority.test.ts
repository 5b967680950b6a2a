import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Authority, openAuthority } from '../../../proxy/intercept/authority.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-authority-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** What a client that trusts the authority is shown for a host. */
async function show(authority: Authority, host: string): Promise<X509Certificate> {
  const sockets: net.Socket[] = []
  const server = net.createServer(socket => {
    sockets.push(socket)
    const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: authority.contextFor(host) })
    secure.on('error', () => undefined)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const options = {
    host: '127.0.0.1',
    port,
    ca: [authority.certificate],
    ...(/[a-z]/.test(host) && !host.includes(':') ? { servername: host } : {}),
  }
  const shown = await new Promise<X509Certificate>((resolve, reject) => {
    const socket = tls.connect(
      { ...options, checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate) },
      () => resolve(socket.getPeerX509Certificate() as X509Certificate),
    )
    socket.on('error', reject)
  })
  for (const socket of sockets) socket.destroy()
  server.close()
  return shown
}

it('is made once per store, its key for its owner alone', async () => {
  const first = await openAuthority(directory)
  expect(first.file).toBe(join(directory, 'intercept-ca.pem'))
  expect((await stat(join(directory, 'intercept-ca.key'))).mode & 0o777).toBe(0o600)
  expect(await readFile(first.file, 'utf8')).toBe(first.certificate)
  expect((await readdir(directory)).sort()).toEqual(['intercept-ca.key', 'intercept-ca.pem'])
  expect((await openAuthority(directory)).certificate).toBe(first.certificate)
  const certificate = new X509Certificate(first.certificate)
  expect([certificate.ca, certificate.checkIssued(certificate)]).toEqual([true, true])
})

it('signs for names and addresses what a strict client takes', async () => {
  const authority = await openAuthority(directory)
  for (const host of ['api.example.com', '127.0.0.1', '::1', `${'a'.repeat(60)}.${'b'.repeat(60)}.example.com`]) {
    const leaf = await show(authority, host)
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
    expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBeLessThan(398 * 86_400_000)
    expect(authority.contextFor(host)).toBe(authority.contextFor(host))
    expect(authority.contextFor(host)).not.toBe(authority.contextFor('other.example'))
  }
})

it('is made anew when what is there does not fit together', async () => {
  const first = await openAuthority(directory)
  await writeFile(join(directory, 'intercept-ca.key'), 'half a ke')
  const second = await openAuthority(directory)
  expect(second.certificate).not.toBe(first.certificate)
  expect((await show(second, 'api.example.com')).subject).toContain('api.example.com')
})

it('says where it could not be kept', async context => {
  if (process.getuid?.() === 0) return context.skip('root may write anywhere')
  await chmod(directory, 0o500)
  await expect(openAuthority(directory)).rejects.toMatchObject({ code: 'E_STORE_UNREADABLE' })
  await chmod(directory, 0o700)
})
