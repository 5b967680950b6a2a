import { expect, it } from 'vitest'
import { detailsOf, isOutageWord } from '../../../runner/environments/_docker-client.ts'

const said = (statusCode: number, message: string) => ({ statusCode, json: { message } })

it.each([
  said(500, 'transport is closing: unavailable'),
  said(
    500,
    'connection error: desc = "transport: Error while dialing dial unix /run/c.sock: connect: connection refused": unavailable',
  ),
  said(503, 'error deleting lease: connection closed'),
  said(500, 'ttrpc: closed: unknown'),
])('takes the trouble of what a daemon works with for an outage', error => {
  expect(detailsOf(error)).toEqual({ outage: true })
})

it.each([
  { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED /var/run/docker.sock' },
  said(404, 'No such container: 0123'),
  said(409, 'container 0123 is not running'),
])('takes what is gone for lost', error => {
  expect(detailsOf(error)).toEqual({ lost: true })
})

it.each([
  said(400, 'invalid reference format: unavailable'),
  said(404, 'Could not find the file /app/unavailable in container 0123'),
  said(500, 'OCI runtime create failed: exec: "sh": executable file not found in $PATH'),
  new Error('no space left on device'),
])('takes neither from what asking or the container itself is to blame for', error => {
  expect(detailsOf(error)).toEqual({})
})

it('knows the word of a daemon in trouble from what a script says', () => {
  expect(isOutageWord('connection closed: unavailable\n')).toBe(true)
  expect(isOutageWord('transport is closing: unavailable: unknown')).toBe(true)
  expect(isOutageWord("rm: cannot remove '/app/transport is closing'")).toBe(false)
  expect(isOutageWord('')).toBe(false)
})
