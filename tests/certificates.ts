// Certificates for a test, made on the spot: an authority, and leaves for a name that it signs.
import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

export interface Pair {
  readonly key: string
  readonly cert: string
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const day = 86_400_000
let serial = 1

interface Wanted {
  readonly subject: string
  readonly issuer: string
  readonly extensions: readonly object[]
  readonly from?: number
  readonly until?: number
}

function sign({ subject, issuer, extensions, from = -day, until = day }: Wanted): Pair {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = (serial++).toString(16).padStart(2, '0')
  certificate.validity.notBefore = new Date(Date.now() + from)
  certificate.validity.notAfter = new Date(Date.now() + until)
  certificate.setSubject([{ name: 'commonName', value: subject }])
  certificate.setIssuer([{ name: 'commonName', value: issuer }])
  certificate.setExtensions([...extensions])
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate) }
}

export function makeAuthority(name = 'test authority'): Pair {
  const extensions = [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, critical: true },
  ]
  return sign({ subject: name, issuer: name, extensions })
}

export function makeLeaf(
  host: string,
  validity: { readonly from?: number; readonly until?: number } = {},
  issuer = 'test authority',
): Pair {
  const altNames = /^[\d.]+$/.test(host) ? [{ type: 7, ip: host }] : [{ type: 2, value: host }]
  const extensions = [
    { name: 'subjectAltName', altNames },
    { name: 'extKeyUsage', serverAuth: true },
  ]
  return sign({ subject: host, issuer, extensions, ...validity })
}

/** Yesterday's certificate. */
export const expired = { from: -2 * day, until: -day }
