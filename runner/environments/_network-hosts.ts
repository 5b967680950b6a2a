// Which hosts an allow-list lets pass: names, `*.suffix`, addresses and CIDR ranges. Pure.

import { BlockList, isIP } from 'node:net'
import type { NetworkPolicy } from '../../core/task.ts'

export function isAllowed(host: string, policy: NetworkPolicy): boolean {
  if (policy.mode === 'public') return true
  if (policy.mode !== 'allow-list') return false
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  return policy.hosts.some(rule => matches(name, rule.toLowerCase().replace(/\.$/, '')))
}

function matches(name: string, rule: string): boolean {
  if (rule === name) return true
  if (rule.startsWith('*.')) return isIP(name) === 0 && name.endsWith(rule.slice(1)) && name.length > rule.length - 1
  const [address = '', bits] = rule.split('/')
  const family = isIP(address)
  if (bits === undefined || family === 0 || isIP(name) !== family) return false
  const range = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  range.addSubnet(address, Number(bits), type)
  return range.check(name, type)
}
