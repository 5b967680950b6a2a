// An agent that tries to leave its container: past the gate, by names, into this machine, as somebody else through the proxy. What would be
// reached is served here and is reached under `public`, so that a failure to leave is the policy's doing and not a broken test.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NetworkPolicy, Task } from '../../core/task.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { ownerName } from '../../runner/environments/_docker-reaper.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { makePlace } from '../rows.ts'
import { playInContainer } from './_contained.ts'

/** Says of each attempt what came of it, as one line of JSON. */
const leave = `
import { lookup } from 'node:dns'
import { createSocket } from 'node:dgram'
import { get, request } from 'node:http'
const [base, gateway, http, udp] = process.argv.slice(2)
const { hostname, port } = new URL(base)
const attempt = begin => new Promise(resolve => {
  const timer = setTimeout(resolve, 4000, 'nothing')
  begin(what => { clearTimeout(timer); resolve(String(what)) })
})
const read = done => response => { let text = ''; response.on('data', part => text += part).on('end', () => done(response.statusCode + ' ' + text)) }
const fetched = url => attempt(done => get(url, read(done)).on('error', error => done('failed ' + error.code)))
const asked = (path, headers = {}) => attempt(done =>
  request({ hostname, port, path, method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, read(done))
    .on('error', error => done('failed ' + error.code))
    .end(JSON.stringify({ model: 'some-model', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] })))
const told = {
  host: await fetched('http://' + gateway + ':' + http + '/'),
  loopback: await fetched('http://127.0.0.1:' + http + '/'),
  datagram: await attempt(done => {
    const socket = createSocket('udp4')
    socket.on('message', text => { socket.close(); done(text) }).on('error', error => done('failed ' + error.code))
    socket.send('who', Number(udp), gateway, error => error && done('failed ' + error.code))
  }),
  name: await attempt(done => lookup('localhost.example.com', error => done(error === null ? 'found' : 'failed ' + error.code))),
  own: await asked(new URL(base).pathname + '/v1/messages', { 'anthropic-version': '2023-06-01' }),
  anothers: await asked('/t/tp_AAAAAAAAAAAAAAAAAAAAAAAA/v1/messages'),
  nobodys: await asked('/v1/messages', { 'anthropic-version': '2023-06-01' }),
  session: await asked('/s/elsewhere/v1/messages', { 'anthropic-version': '2023-06-01' }),
  through: await asked('http://' + gateway + ':' + http + '/'),
  tunnel: await attempt(done =>
    request({ hostname, port, method: 'CONNECT', path: gateway + ':' + http })
      .on('connect', response => done('tunnel ' + response.statusCode)).on('response', read(done)).on('error', error => done('failed ' + error.code)).end()),
}
console.log('TOLD ' + JSON.stringify(told))
process.exit()
`

const makeTask = (network: NetworkPolicy): Task => ({
  id: 'leave',
  title: 'An agent that tries to leave',
  files: { 'leave.mjs': leave },
  environment: makePlace(testImage, { network }),
  turns: [
    {
      ...{ index: 1, instruction: 'Leave.', solution: null, timeoutMs: 120_000 },
      verifier: { files: {}, command: ['true'], timeoutMs: 20_000 },
    },
  ],
  source: { file: 'leaving.test.ts', line: 1 },
})

const greeting = 'hello from this machine'
const web = createServer((_, response) => response.end(greeting))
const datagrams = createSocket('udp4')

describe.skipIf(dockerMissing !== null)('an agent in a container', () => {
  let gateway = ''
  let arrived = 0

  beforeAll(async () => {
    const { IPAM } = await (await useDocker()).getNetwork('bridge').inspect()
    gateway = IPAM?.Config?.[0]?.Gateway ?? ''
    expect(gateway).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    await new Promise<void>(resolve => web.listen(0, '0.0.0.0', resolve))
    datagrams.on('message', (_, from) => {
      arrived++
      datagrams.send('heard', from.port, from.address)
    })
    await new Promise<void>(resolve => datagrams.bind(0, '0.0.0.0', resolve))
  })
  afterAll(async () => {
    web.close()
    datagrams.close()
    const client = await useDocker()
    const left = await client.listContainers({ all: true, filters: { label: [`${labels.owner}=${ownerName()}`] } })
    expect(left.map(container => container.Names)).toEqual([])
  })

  async function tryToLeave(mode: NetworkPolicy['mode']) {
    arrived = 0
    const targets = [gateway, String((web.address() as AddressInfo).port), String(datagrams.address().port)]
    const first = ['node', 'leave.mjs', '{base_url}', ...targets]
    const command = { first, next: null, stdin: null, env: {} }
    const spec = { id: 'command', model: 'some-model', command }
    const played = await playInContainer({
      task: makeTask({ mode, hosts: [] }),
      spec,
      agentsDirectory: '/nowhere',
      steps: () => [],
    })
    const output = played.attempts[0]?.agentOutput ?? ''
    const told = JSON.parse(/^TOLD (.*)$/m.exec(output)?.[1] ?? `{"output":${JSON.stringify(output)}}`) as Record<string, string>
    return { told, calls: played.sent.length, arrived }
  }

  it.each(['proxy', 'none', 'public'] as const)('under %s', { timeout: 240_000 }, async mode => {
    const { told, calls, arrived } = await tryToLeave(mode)
    const { own, anothers, nobodys, session, through, tunnel, ...beyond } = told
    const out = mode === 'public'
    expect(beyond).toEqual({
      host: out ? `200 ${greeting}` : expect.stringMatching(/^failed|^nothing/),
      loopback: expect.stringMatching(/^failed|^nothing/),
      datagram: out ? 'heard' : expect.stringMatching(/^failed|^nothing/),
      name: expect.stringMatching(/^failed|^nothing/),
    })
    expect(arrived).toBe(out ? 1 : 0)
    if (mode === 'none') {
      for (const answer of [own, anothers, nobodys, session, through, tunnel]) expect(answer).toMatch(/^failed|^nothing/)
      expect(calls).toBe(0)
      return
    }
    // As itself it is served and recorded; as anybody else, or further than the model, it is not.
    expect(own).toMatch(/^200 /)
    expect(calls).toBe(1)
    for (const answer of [anothers, nobodys, session]) expect(answer).toMatch(/^401 .*token/s)
    for (const answer of [through, tunnel]) expect(answer).not.toContain(greeting)
    expect([through, tunnel].every(answer => /^(failed|nothing|4\d\d )/.test(answer ?? ''))).toBe(true)
  })
})
