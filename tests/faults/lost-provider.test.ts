// A provider that goes away in the middle of an answer and comes back a moment later, behind the real proxy of `turnpike run`: the trial it broke off is
// infrastructure, another goes on after the last turn, and nothing is paid or measured twice.
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { openPlace } from '../cli/_cli.ts'
import { atEnd } from '../runner/_sandbox.ts'

const place = openPlace()
afterAll(() => place.close())

const answer = {
  id: 'a',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'done' } }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
}

/** Breaks off its second answer half-way, stops listening, and listens again before a run has given it up. */
async function openProvider(): Promise<string> {
  let asked = 0
  let port = 0
  const listen = (): Promise<Server> =>
    new Promise(resolve => {
      const server = createServer((request, response) => {
        request.resume()
        request.on('end', () => {
          asked++
          if (asked !== 2) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
          response.write('{"id":', () => {
            server.close()
            server.closeAllConnections()
            setTimeout(() => void listen(), 700)
          })
        })
      })
      atEnd(() => {
        server.closeAllConnections()
        server.close()
      })
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port
        resolve(server)
      })
    })
  await listen()
  return `http://127.0.0.1:${port}`
}

it('a provider that closes breaks off a trial, which goes on when it is back', async () => {
  const upstream = await openProvider()
  const turn = (index: number) => ({
    instruction: `make ${index}`,
    verifier: { files: {}, command: ['sh', '-c', `test -f ${index}`], timeout_ms: 60_000 },
  })
  writeFileSync(join(place.directory, 'tasks.jsonl'), JSON.stringify({ id: 'two', turns: [turn(1), turn(2)] }))
  const ask = `fetch("{base_url_openai}/chat/completions",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify({model:"m",messages:[{role:"user",content:"x"}]})}).then(r=>r.ok?r.json():Promise.reject(r.status)).then(()=>process.exit(0),()=>process.exit(1))`
  const work = `${process.execPath} -e '${ask}' || exit 1; case "$1" in *1*) touch 1;; *) touch 2;; esac`
  const argv = ['sh', '-c', work, 'agent', '{instruction}']
  const run = { tasks: 'tasks.jsonl', agents: [{ name: 'command', model: 'm', command: { first: argv, next: argv } }] }
  writeFileSync(join(place.directory, 'turnpike.yaml'), JSON.stringify({ run, proxy: { upstream } }))
  const ended = await place.run(['run', '--json'])
  expect(ended.code, ended.stderr).toBe(0)
  const store = await openStore(join(place.directory, '.turnpike'), {})
  const trials = await store.list('trials')
  expect(trials[0]?.outcome?.kind).toBe('environment-failed')
  expect(trials.at(-1)?.outcome).toEqual({ kind: 'finished', reason: null })
  const states = (await store.list('turns', { trialId: trials.at(-1)?.id ?? '' })).map(({ turn: index, state }) => [index, state])
  expect(states).toEqual([
    [1, 'passed'],
    [2, 'passed'],
  ])
  const exchanges = (await store.exchanges({ runId: trials[0]?.runId ?? '' })).sort(
    (one, other) => one.startedAt - other.startedAt,
  )
  expect(exchanges.filter(exchange => exchange.turn === 1).map(exchange => exchange.outcome)).toEqual(['complete'])
  const second = exchanges.filter(exchange => exchange.turn === 2).map(exchange => exchange.outcome)
  expect(second[0]).toBe('upstream-cut')
  expect(second.at(-1)).toBe('complete')
  // One that came back too early was refused, and had a successor itself.
  expect(trials.length).toBeGreaterThan(1)
  expect(await store.list('events', { type: 'trial-continued' })).toHaveLength(trials.length - 1)
  await store.close()
}, 120_000)
