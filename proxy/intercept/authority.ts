// The certificate authority of a store, for intercepted hosts: made once, kept beside the record, its key readable by its owner alone.
// Signs leaves for the hosts it is asked for; decides nothing about which those are.

import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, X509Certificate } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { TurnpikeError } from '../../core/errors.ts'

export interface Authority {
  /** PEM file to be trusted by agents. */
  readonly file: string
  readonly certificate: string
  /** TLS as this host; kept for the next connection. */
  readonly contextFor: (host: string) => tls.SecureContext
}

interface Pair {
  readonly key: string
  readonly certificate: string
}

const dayMs = 86_400_000
const authorityDays = 3650
/** Clients refuse leaves that are valid for more than 398 days. */
const leafDays = 390
const contextsMax = 1000

/** The authority of the store in `directory`, made when there is none yet. Throws E_STORE_UNREADABLE. */
export async function openAuthority(directory: string): Promise<Authority> {
  const file = join(directory, 'intercept-ca.pem')
  const keyFile = join(directory, 'intercept-ca.key')
  const pair = (await readPair(file, keyFile)) ?? (await makePair(directory, file, keyFile))
  const leafKey = await makeKey()
  const contexts = new Map<string, { readonly context: tls.SecureContext; readonly until: number }>()
  const contextFor = (host: string): tls.SecureContext => {
    const known = contexts.get(host)
    if (known !== undefined && known.until > Date.now()) return known.context
    if (contexts.size >= contextsMax) contexts.clear()
    const context = tls.createSecureContext({ key: leafKey, cert: signLeaf(host, pair, leafKey) + pair.certificate })
    contexts.set(host, { context, until: Date.now() + (leafDays - 30) * dayMs })
    return context
  }
  return { file, certificate: pair.certificate, contextFor }
}

async function readPair(file: string, keyFile: string): Promise<Pair | null> {
  const [certificate, key] = await Promise.all([readText(file), readText(keyFile)])
  if (certificate === null || key === null) return null
  try {
    const parsed = new X509Certificate(certificate)
    if (!parsed.checkPrivateKey(createPrivateKey(key))) return null
    return Date.parse(parsed.validTo) > Date.now() + leafDays * dayMs ? { certificate, key } : null
  } catch {
    return null // half written or damaged: a new one is made, and agents must trust that
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw unusable(file, error)
  }
}

async function makePair(directory: string, file: string, keyFile: string): Promise<Pair> {
  const key = await makeKey()
  const certificate = signAuthority(key)
  try {
    await mkdir(directory, { recursive: true })
    await replace(keyFile, key, 0o600)
    await replace(file, certificate, 0o644)
  } catch (error) {
    throw unusable(file, error)
  }
  return { key, certificate }
}

/** Under another name first: a file of this name is whole, and never readable by others for a moment. */
async function replace(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(temporary, text, { mode, flag: 'wx' })
  await rm(file, { force: true })
  await link(temporary, file)
  await rm(temporary)
}

function unusable(file: string, cause: unknown): TurnpikeError {
  return new TurnpikeError('E_STORE_UNREADABLE', `cannot keep the certificate authority of the store in ${file}`, {
    cause,
    hint: 'check the permissions of the store directory; only its owner may read the key',
  })
}

async function makeKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return privateKey
}

/** Each authority has a name of its own: clients look authorities up by name, and an old one must not be taken for a new one. */
function signAuthority(key: string): string {
  const subject = [{ name: 'commonName', value: `Turnpike interception ${randomBytes(4).toString('hex')}` }]
  const certificate = startCertificate(key, subject, subject, authorityDays)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ])
  return finish(certificate, key)
}

function signLeaf(host: string, authority: Pair, key: string): string {
  const issuer = forge.pki.certificateFromPem(authority.certificate)
  // A name of more than 64 characters fits in the alternative names only.
  const subject = [{ name: 'commonName', value: host.length > 64 ? 'intercepted host' : host }]
  const certificate = startCertificate(key, subject, issuer.subject.attributes as forge.pki.CertificateField[], leafDays)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host }] },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ])
  return finish(certificate, authority.key)
}

function startCertificate(
  key: string,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  days: number,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem)
  // Positive, and never the same twice.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(Date.now() - dayMs)
  certificate.validity.notAfter = new Date(Date.now() + days * dayMs)
  certificate.setSubject(subject)
  certificate.setIssuer(issuer)
  return certificate
}

function finish(certificate: forge.pki.Certificate, key: string): string {
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate)
}
