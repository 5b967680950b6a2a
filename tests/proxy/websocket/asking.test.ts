// Messages of the agent and their answers through a whole proxy: bytes, order, exchanges, turns, refusals.
import { afterEach, expect, it } from 'vitest'
import { openRig, type Rig } from '../../rig.ts'
import {
  answerMessages,
  create,
  openAgent,
  type SocketUpstream,
  startSocketUpstream,
  type UpstreamScript,
} from '../../sockets.ts'

let upstream: SocketUpstream
let rig: Rig

async function open(script: UpstreamScript, options = {}): Promise<string> {
  upstream = await startSocketUpstream(script)
  rig = await openRig(upstream.url, options)
  return `${rig.proxy.url}/s/socket/v1/responses`
}

afterEach(async () => {
  await rig?.close()
  await upstream?.close()
})

it('passes messages and answers unchanged and records each pair as an exchange', async () => {
  const url = await open({ onMessage: ({ send }) => answerMessages('resp_1').forEach(send) })
  const agent = await openAgent(url)
  agent.socket.send(create())
  expect(await agent.messages(4)).toEqual(answerMessages('resp_1'))
  agent.socket.close(1000)
  expect(await agent.closed).toMatchObject({ code: 1000 })
  const exchanges = await rig.exchanges()
  expect(exchanges).toMatchObject([
    { method: 'GET', status: 101 },
    { method: 'WS', status: 200, outcome: 'complete' },
  ])
})
