// AWS Signature Version 4: signs what is sent to Amazon Bedrock, with the proxy's own credentials and over the exact bytes, as the last thing
// before the wire. A caller's signature covers the host it was sent to, so it cannot be passed on: it is replaced, or refused with the
// reason. Credentials never leave this file except as a signature.

import { createRequire } from 'node:module'
import type { SignatureV4 } from '@smithy/signature-v4'
import { TurnpikeError } from '../core/errors.ts'
import type { HeaderList } from '../core/types.ts'
import type { Forwarder, Forwarding, ForwardLayer, ForwardRequest, RequestSigner } from './forward.ts'
import { headerValue } from './headers.ts'

export interface AwsSigner extends RequestSigner {
  readonly region: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** What a signature stands in, and what it is made of; all of it is replaced. */
export const signatureHeaders = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']

/** Names of the variables that hold credentials, for messages. */
export const awsCredentialNames = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'

/** The proxy's own signer for an endpoint; null without credentials. Throws E_KEY_MISSING when they are there and no region is. */
export function readAwsSigner(env: Environment, origin: URL): AwsSigner | null {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env
  if (!accessKeyId || !secretAccessKey) return null
  const region = regionOf(origin.hostname) ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'])
  if (!region)
    throw new TurnpikeError(
      'E_KEY_MISSING',
      `the region of ${origin.host} is not known: AWS_REGION is not set in the proxy's environment`,
    )
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
  const signature = createSignature({ region, credentials })
  return { region, sign: (request, at) => sign(signature, request, at ?? new Date()) }
}

interface Signing {
  readonly region: string
  readonly credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials']
}

/** Loaded with the first signer: only AWS wants signatures, and every proxy loads this file. */
function createSignature(signing: Signing): SignatureV4 {
  const load = createRequire(import.meta.url)
  const { SignatureV4: Signature }: typeof import('@smithy/signature-v4') = load('@smithy/signature-v4')
  const { Sha256: sha256 }: typeof import('@aws-crypto/sha256-js') = load('@aws-crypto/sha256-js')
  return new Signature({ ...signing, service: 'bedrock', sha256 })
}

/** Secrets of the proxy's own, for masking. */
export function awsSecrets(env: Environment): string[] {
  return [env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN'], env['AWS_BEARER_TOKEN_BEDROCK']].flatMap(secret => secret || [])
}

/** `bedrock-runtime.us-east-1.amazonaws.com`, also FIPS, VPC and Chinese endpoints. */
function regionOf(hostname: string): string | null {
  return /(?:^|\.)bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/.exec(hostname)?.[1] ?? null
}

export function isAwsHost({ hostname }: URL): boolean {
  return /\.amazonaws\.com(?:\.cn)?$/.test(hostname)
}

/** The caller signed for another host than the one it will reach. */
export function isSigned(headers: HeaderList): boolean {
  return headerValue(headers, 'authorization')?.startsWith('AWS4-HMAC-SHA256 ') === true
}

/** Of the fields, only those that AWS wants signed are: others may be changed on the way without harm. */
async function sign(signature: SignatureV4, request: ForwardRequest, at: Date): Promise<ForwardRequest> {
  const [path = '/', query = ''] = request.target.split(/\?(.*)/s)
  const kept = request.headers.filter(([name]) => !signatureHeaders.includes(name.toLowerCase()))
  const signed = await signature.sign(
    {
      method: request.method,
      protocol: request.origin.protocol,
      hostname: request.origin.hostname,
      path,
      query: readQuery(query),
      headers: Object.fromEntries(kept.filter(([name]) => isSignable(name)).map(([name, value]) => [name.toLowerCase(), value])),
      body: request.body,
    },
    { signingDate: at },
  )
  const added = signatureHeaders.flatMap((name): HeaderList => {
    const value = signed.headers[name]
    return value === undefined ? [] : [[name, value]]
  })
  return { ...request, headers: [...kept, ...added] }
}

function isSignable(name: string): boolean {
  const lower = name.toLowerCase()
  return lower === 'host' || lower === 'content-type' || lower.startsWith('x-amz')
}

function readQuery(query: string): Record<string, string | string[]> {
  const bag: Record<string, string | string[]> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    const before = bag[name]
    bag[name] = before === undefined ? value : [before, value].flat()
  }
  return bag
}

/** Signs requests that carry a signer; innermost of all layers, so that no wait lies between a signature and its sending. */
export const signingLayer: ForwardLayer = next => ({
  forward: (request, events) =>
    request.signer === undefined ? next.forward(request, events) : signAndForward(next, request, request.signer, events),
  close: next.close,
})

function signAndForward(
  next: Forwarder,
  request: ForwardRequest,
  signer: RequestSigner,
  events: Parameters<Forwarder['forward']>[1],
): Forwarding {
  const state: { inner: Forwarding | null; paused: boolean; over: boolean } = { inner: null, paused: false, over: false }
  const send = async (): Promise<void> => {
    try {
      const signed = await signer.sign(request)
      if (state.over) return
      state.inner = next.forward(signed, events)
      if (state.paused) state.inner.pause()
    } catch (cause) {
      const what = `the request cannot be signed and sent: ${cause instanceof Error ? cause.message : String(cause)}`
      if (!state.over) events.onFailure({ stage: 'connect', error: new TurnpikeError('E_BAD_REQUEST', what, { cause }) })
    }
  }
  void send()
  return {
    pause: () => {
      state.paused = true
      state.inner?.pause()
    },
    resume: () => {
      state.paused = false
      state.inner?.resume()
    },
    abort: () => {
      state.over = true
      state.inner?.abort()
    },
    retries: () => state.inner?.retries() ?? 0,
    note: () => state.inner?.note?.() ?? null,
  }
}
