// Which certificate authorities upstreams are checked against: those Node brings along, those of this machine, and those the operator
// names. Reads files; decides nothing about a connection. There is no way to trust nobody and connect all the same.

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import * as tls from 'node:tls'
import { TurnpikeError } from '../core/errors.ts'

/** Where systems keep their bundle; the first that is there is read. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
]

export interface TrustOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** File of the operator's own authorities (--upstream-ca); must be readable and hold a certificate. */
  readonly file: string | null
}

/** PEM certificates, each once. Throws E_FILE_UNREADABLE or E_CONFIG_INVALID for the operator's own file; others are taken as they are found. */
export async function readAuthorities({ environment, file }: TrustOptions): Promise<string[]> {
  const named = environment['SSL_CERT_FILE']
  const bundle = await readFirst(named ? [named, ...systemBundles] : systemBundles)
  const extra = environment['NODE_EXTRA_CA_CERTS']
  const own = file === null ? [] : await readOwn(file)
  const found = [...tls.rootCertificates, ...systemStore(), ...bundle, ...(extra ? await readFirst([extra]) : []), ...own]
  const each = new Map<string, string>()
  for (const certificate of found) {
    const known = contentOf(certificate)
    if (!each.has(known)) each.set(known, certificate)
  }
  return [...each.values()]
}

/** Node reads the system's store itself since 22.15; the types here are those of Node 20. */
function systemStore(): readonly string[] {
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'system') => string[] }
  return getCACertificates?.('system') ?? []
}

async function readFirst(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text !== null) return splitPem(text)
  }
  return []
}

async function readOwn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the certificates in ${file} (--upstream-ca)`, { cause })
  })
  const found = splitPem(text)
  if (found.length === 0)
    throw new TurnpikeError('E_CONFIG_INVALID', `${file} (--upstream-ca, proxy.upstream_ca) holds no certificate in PEM form`, {
      hint: 'give a file with one or more "-----BEGIN CERTIFICATE-----" blocks',
    })
  return found
}

/** Bundles break their lines differently. */
function contentOf(certificate: string): string {
  return certificate.replace(/-----[^-]+-----|\s+/g, '')
}

/**
 * The certificates of a bundle; blocks that cannot be read would make all of them useless and are left out. Those Node brings along
 * need not be looked at again: the machine's bundle holds mostly the same.
 */
function splitPem(text: string): string[] {
  const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []
  const trusted = new Set(tls.rootCertificates.map(contentOf))
  return blocks.filter(block => trusted.has(contentOf(block)) || isCertificate(block))
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
