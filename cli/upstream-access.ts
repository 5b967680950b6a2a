// How this process reaches providers: the proxies that the environment names, and the certificate authorities to trust. Read once, here,
// and handed to the recording proxy; the proxies' own passwords go with them, to be masked.

import { BlockList, isIP } from 'node:net'
import type { Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { UpstreamAccess } from '../proxy/forward-connections.ts'
import { readAuthorities } from '../proxy/forward-trust.ts'

export interface Access {
  readonly access: UpstreamAccess
  readonly secrets: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

export async function readAccess(config: Config, environment: Environment): Promise<Access> {
  const authorities = await readAuthorities({ environment, file: config.proxy.upstreamCa })
  return {
    access: { authorities, proxyFor: origin => findProxy(origin, environment) },
    secrets: proxySecrets(environment),
  }
}

/** The lower-case variable wins, as with other programs. */
function read(environment: Environment, name: string): string {
  return (environment[name.toLowerCase()] || environment[name] || '').trim()
}

/** By HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. This machine itself is never asked for through a proxy: none could reach it. */
export function findProxy(origin: URL, environment: Environment): URL | null {
  if (isLoopback(hostOf(origin)) || isExempt(origin, read(environment, 'NO_PROXY'))) return null
  const name = origin.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const named = read(environment, name) || read(environment, 'ALL_PROXY')
  if (named === '') return null
  const text = named.includes('://') ? named : `http://${named}`
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TurnpikeError('E_UPSTREAM_UNREACHABLE', `the proxy that ${name} or ALL_PROXY names is no http or https URL`, {
      hint: 'correct it, for example http://proxy.example:3128',
    })
  return url
}

function hostOf(origin: URL): string {
  return origin.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** NO_PROXY: names (their subdomains too), addresses and ranges, each perhaps with a port; `*` for everything. */
function isExempt(origin: URL, list: string): boolean {
  const host = hostOf(origin)
  const port = origin.port || (origin.protocol === 'https:' ? '443' : '80')
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some(entry => {
      if (entry === '*') return true
      const [, name = '', onlyPort] = /^(.+?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
      const bare = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '')
      if (bare === '' || (onlyPort !== undefined && onlyPort !== port)) return false
      return host === bare || (isIP(host) === 0 ? host.endsWith(`.${bare}`) : isInRange(host, bare))
    })
}

function isInRange(address: string, range: string): boolean {
  const [net = '', bits] = range.split('/')
  const family = isIP(net)
  if (bits === undefined || family === 0 || family !== isIP(address) || !(Number(bits) <= (family === 4 ? 32 : 128))) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(net, Number(bits), kind)
  return list.check(address, kind)
}

const proxyVariables = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']

/** The proxies' passwords in each form in which they might turn up. */
export function proxySecrets(environment: Environment): string[] {
  const values = proxyVariables.flatMap(name => [environment[name], environment[name.toLowerCase()]])
  return values.flatMap(value => {
    const text = value === undefined || value.includes('://') ? (value ?? '') : `http://${value}`
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || url.password === '') return []
    const password = decodeURIComponent(url.password)
    return [url.password, password, Buffer.from(`${decodeURIComponent(url.username)}:${password}`).toString('base64')]
  })
}
