// Which hosts are intercepted, and what a proxy request is addressed to: reads host lists, CONNECT targets and absolute URLs. Pure.

import { isIP } from 'node:net'
import { TurnpikeError } from '../../core/errors.ts'

export interface Target {
  readonly host: string
  readonly port: number
}

const hostPattern = /^[a-z0-9_*]([a-z0-9_*.-]*[a-z0-9_*])?$/

/** `api.example.com,*.example.org` as globs. Throws E_USAGE. */
export function readHosts(text: string): string[] {
  const hosts = text
    .toLowerCase()
    .split(',')
    .map(host => host.trim().replace(/^\[|\]$/g, ''))
    .filter(host => host !== '')
  const bad = hosts.find(host => isIP(host) === 0 && !hostPattern.test(host))
  if (bad !== undefined || hosts.length === 0)
    throw new TurnpikeError('E_USAGE', `--intercept takes host names, got "${bad ?? text}"`, {
      hint: 'names without scheme or port, with * for any characters, for example --intercept "api.anthropic.com,*.openai.com"',
    })
  return hosts
}

export function isListed(host: string, globs: readonly string[]): boolean {
  return globs.some(glob => matchGlob(glob, host))
}

function matchGlob(glob: string, host: string): boolean {
  const parts = glob.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(host)
}

/** `host:port` of a CONNECT; null when it is none. */
export function readTarget(authority: string): Target | null {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(authority) ?? []
  const host = (bracketed ?? plain ?? '').toLowerCase()
  const number = Number(port)
  if (number < 1 || number > 65535 || !isHost(host)) return null
  return { host, port: number }
}

function isHost(host: string): boolean {
  return host.length <= 253 && !host.includes('*') && (isIP(host) !== 0 || hostPattern.test(host))
}

/** A request in absolute form, `GET http://host/path`: where it goes and what it asks for there; null for every other request. */
export function readAbsolute(url: string): { readonly origin: URL; readonly rest: string } | null {
  const match = /^http:\/\/([^/?#]+)(.*)$/i.exec(url)
  const authority = match?.[1] ?? ''
  if (match === null || !URL.canParse(`http://${authority}`)) return null
  const origin = new URL(`http://${authority}`)
  const rest = match[2] ?? ''
  return { origin, rest: rest.startsWith('/') ? rest : `/${rest}` }
}

export function originOf(scheme: 'http' | 'https', { host, port }: Target): URL {
  return new URL(`${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`)
}
