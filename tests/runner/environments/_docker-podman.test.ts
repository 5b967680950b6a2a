import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { eachEntry } from '../../../runner/environments/_docker-files.ts'
import { keepLink } from '../../../runner/environments/_docker-podman.ts'

const link = 0o1000000777
const answer = (mode: number, podman = true): NodeJS.ReadableStream => {
  const stat = Buffer.from(JSON.stringify({ name: 'passwd', mode, linkTarget: '/etc/passwd' })).toString('base64')
  const headers = { 'x-docker-container-path-stat': stat, ...(podman ? { 'libpod-api-version': '4.3.1' } : {}) }
  return Object.assign(Readable.from([]), { headers })
}

it('what Podman gives out of a link is the link', async () => {
  const found: unknown[] = []
  await eachEntry(keepLink(answer(link), '/place/result'), async ({ name, type, linkname }) => {
    found.push([name, type, linkname])
    return 'next'
  })
  expect(found).toEqual([['result', 'symlink', '/etc/passwd']])
})

it('all else is passed on as it came', () => {
  for (const stream of [answer(0o644), answer(link, false), Object.assign(Readable.from([]), { headers: {} })])
    expect(keepLink(stream, '/place/result')).toBe(stream)
})
