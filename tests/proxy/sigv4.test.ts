// What AWS checks, recomputed here from its documentation and not by the library that signs; first held to AWS's own published example.
import { createHash, createHmac } from 'node:crypto'
import http from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { HeaderList } from '../../core/types.ts'
import { parseRoutes } from '../../proxy/routes.ts'
import { isAwsHost, readAwsSigner } from '../../proxy/sigv4.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'
import { openRig } from '../rig.ts'

const env = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  AWS_SESSION_TOKEN: 'a-session-token-of-nobody',
  AWS_REGION: 'eu-central-1',
}

interface Received {
  readonly method: string
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)

/** The signature the request ought to carry, by the four steps of the documentation. */
function expectedSignature({ method, target, headers, body }: Received, secret: string): string {
  const [, scope = '', signedHeaders = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '') ?? []
  const [date = '', region = '', service = '', terminator = ''] = scope.split('/')
  const [path = '', query = ''] = target.split('?')
  // Every service but S3 encodes the path as it was sent once more.
  const canonicalPath = path.split('/').map(encode).join('/')
  const canonicalQuery = [...new URLSearchParams(query)]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const names = signedHeaders.split(';')
  const canonicalHeaders = names.map(name => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`).join('')
  const canonical = [method, canonicalPath, canonicalQuery, canonicalHeaders, signedHeaders, sha256(body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [date, region, service, terminator].reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`)
  return hmac(key as Buffer, toSign).toString('hex')
}

const givenSignature = (headers: Received['headers']): string =>
  /Signature=([0-9a-f]{64})$/.exec(headers['authorization'] ?? '')?.[1] ?? ''
const lower = (headers: HeaderList): Record<string, string> =>
  Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))

it("the verifier agrees with AWS's published example (get-vanilla)", () => {
  const headers = {
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  }
  const received = { method: 'GET', target: '/', headers, body: Buffer.alloc(0) }
  expect(expectedSignature(received, env.AWS_SECRET_ACCESS_KEY)).toBe(givenSignature(headers))
})

describe('the signature of the proxy', () => {
  const origin = new URL('https://bedrock-runtime.us-west-2.amazonaws.com')
  const request = (target: string, headers: HeaderList, body: Uint8Array) =>
    ({ exchange: {} as never, origin, method: 'POST', target, headers, body, trailers: [] }) as const

  it.each([
    '/model/us.anthropic.claude-x-v1%3A0/invoke',
    '/model/us.anthropic.claude-x-v1:0/converse-stream',
    '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fa.b/converse?b=2&a=1%202',
  ])('is what AWS computes for %s', async target => {
    const body = Buffer.from('{"messages":["ü 🚂"]}')
    const headers: HeaderList = [
      ['Host', origin.host],
      ['Authorization', 'AWS4-HMAC-SHA256 Credential=OF-THE-CALLER, SignedHeaders=host, Signature=00'],
      ['X-Amz-Date', '20200101T000000Z'],
      ['Content-Type', 'application/json'],
      ['X-Amzn-Bedrock-Trace', 'ENABLED'],
      ['User-Agent', 'changes on the way'],
    ]
    const sent = await readAwsSigner(env, origin)?.sign(request(target, headers, body), new Date('2026-11-21T06:00:00Z'))
    const received = { method: 'POST', target, headers: lower(sent?.headers ?? []), body }
    expect(givenSignature(received.headers)).toBe(expectedSignature(received, env.AWS_SECRET_ACCESS_KEY))
    expect(received.headers).toMatchObject({
      'x-amz-date': '20261121T060000Z',
      'x-amz-security-token': env.AWS_SESSION_TOKEN,
      'user-agent': 'changes on the way',
    })
    expect(received.headers['authorization']).toContain('/20261121/us-west-2/bedrock/aws4_request')
    expect(received.headers['authorization']).toContain('x-amzn-bedrock-trace')
    expect(sent?.headers.filter(([name]) => name.toLowerCase() === 'authorization')).toHaveLength(1)
  })

  it('needs credentials, and a region from the host or the environment', () => {
    expect(readAwsSigner({}, origin)).toBeNull()
    expect(readAwsSigner(env, new URL('http://127.0.0.1:1'))?.region).toBe('eu-central-1')
    expect(() => readAwsSigner({ ...env, AWS_REGION: undefined }, new URL('http://127.0.0.1:1'))).toThrowError(/AWS_REGION/)
    expect(isAwsHost(origin)).toBe(true)
    expect(isAwsHost(new URL('https://amazonaws.com.example'))).toBe(false)
  })
})

describe('a proxy in front of Bedrock', () => {
  const closers: Array<() => Promise<void> | void> = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function open(environment: Readonly<Record<string, string>>) {
    const received: Received[] = []
    const server = http.createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      received.push({ method: request.method ?? '', target: request.url ?? '', headers, body: Buffer.concat(parts) })
      response.setHeader('content-type', 'application/json')
      response.end('{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"end_turn"}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => void server.close())
    const { port } = server.address() as { port: number }
    const file = `version: 1
providers:
  bedrock:
    key_env: AWS_BEARER_TOKEN_BEDROCK
    endpoints:
      bedrock-converse: { base_url: "http://127.0.0.1:${port}", auth: sigv4 }
routes:
  - { model: "*", provider: bedrock }
`
    const rig = await openRig('http://127.0.0.1:1', { routes: parseRoutes(file, 'models.yaml', environment) })
    closers.push(rig.close)
    const post = (headers: Record<string, string>) =>
      fetch(`${rig.proxy.url}/model/a.b-v1%3A0/converse`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"messages":[]}',
      })
    return { rig, received, post }
  }
  const signed = {
    authorization:
      'AWS4-HMAC-SHA256 Credential=CALLERKEY/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00',
    'x-amz-date': '20260101T000000Z',
    'x-amz-security-token': 'the-token-of-the-caller',
  }

  it("replaces a caller's signature, and records neither", async () => {
    const { rig, received, post } = await open(env)
    expect((await post(signed)).status).toBe(200)
    const [request] = received
    expect(request?.headers['authorization']).toContain('Credential=AKIDEXAMPLE/')
    expect(givenSignature(request?.headers ?? {})).toBe(
      request === undefined ? null : expectedSignature(request, env.AWS_SECRET_ACCESS_KEY),
    )
    expect(request?.headers['x-amz-security-token']).toBe(env.AWS_SESSION_TOKEN)
    const [exchange] = await rig.exchanges()
    const record = JSON.stringify(exchange)
    for (const secret of [signed['x-amz-security-token'], 'CALLERKEY', env.AWS_SESSION_TOKEN, env.AWS_SECRET_ACCESS_KEY])
      expect(record).not.toContain(secret)
  })

  it('says why when it has no credentials', async () => {
    const { received, post } = await open({})
    const response = await post(signed)
    expect([response.status, response.headers.get('x-turnpike-error')]).toEqual([401, 'E_KEY_MISSING'])
    expect(await response.json()).toMatchObject({ __type: 'UnrecognizedClientException', message: /signed for this proxy/ })
    expect(received).toHaveLength(0)
  })

  it("passes a caller's own bearer token on", async () => {
    const { received, post } = await open(env)
    expect((await post({ authorization: 'Bearer of-the-caller' })).status).toBe(200)
    expect(received[0]?.headers['authorization']).toBe('Bearer of-the-caller')
  })

  it('presents a Bedrock API key where there is one, and asks for either', () => {
    const text = `version: 1
providers:
  b:
    key_env: AWS_BEARER_TOKEN_BEDROCK
    endpoints: { bedrock-invoke: { base_url: "https://bedrock-runtime.us-east-1.amazonaws.com", auth: sigv4 } }
routes:
  - { model: "*", provider: b }
`
    const wanted = { model: 'm', protocol: 'bedrock-invoke', anthropicClient: false, needKey: true }
    const keyed = parseRoutes(text, 'f', { ...env, AWS_BEARER_TOKEN_BEDROCK: 'bedrock-key-1' })
    expect(keyed.choose(wanted)).toMatchObject({ credential: [['authorization', 'Bearer bedrock-key-1']] })
    expect(keyed.choose(wanted).signer).toBeUndefined()
    expect(keyed.secrets).toEqual(expect.arrayContaining(['bedrock-key-1', env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]))
    expect(parseRoutes(text, 'f', env).choose(wanted).signer?.region).toBe('us-east-1')
    expect(() => parseRoutes(text, 'f', {}).choose(wanted)).toThrowError(/AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID/)
    expect(singleUpstream('https://bedrock-runtime.eu-west-1.amazonaws.com', { env }).choose(wanted).signer?.region).toBe(
      'eu-west-1',
    )
    expect(singleUpstream('https://other.example', { env }).choose(wanted).signer).toBeUndefined()
  })
})
