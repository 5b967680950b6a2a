// The proxy of a run answers its trial by the token and nobody without one; both are in the record.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPlace, type Place, readLast } from '../_cli.ts'

/** Asks as the trial, then as nobody and as a session; writes down what came back. */
const ask = `
import { writeFileSync } from 'node:fs'
const base = new URL(process.argv[2])
const body = JSON.stringify({ model: 'sim', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] })
const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
const status = async path => (await fetch(base.origin + path + '/v1/messages', { method: 'POST', headers, body })).status
writeFileSync('answers.txt', [await status(base.pathname), await status(''), await status('/s/elsewhere')].join(' '))
`
const task = {
  id: 'ask',
  title: 'Who is answered',
  files: { 'ask.mjs': ask },
  turns: [
    {
      instruction: 'Ask.',
      verifier: { files: {}, command: ['sh', '-c', 'test "$(cat answers.txt)" = "200 401 401"'], timeout_ms: 20_000 },
    },
  ],
}

let place: Place
beforeAll(() => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task)}\n`)
})
afterAll(() => place.close())

it('serves its trials alone', async () => {
  const options = ['--tasks', 'tasks.jsonl', '--agent', 'command', '--model', 'sim', '--simulated', '--json']
  const ended = await place.run(['run', ...options, '--', process.execPath, 'ask.mjs', '{base_url}'])
  expect(ended.stderr).not.toMatch(/^error/m)
  const run = readLast<{ readonly score: { readonly agents: ReadonlyArray<{ readonly mean_turn_pass: number }> } }>(ended.stdout)
  expect(run.score.agents[0]?.mean_turn_pass).toBe(1)
  const sessions = await place.json<ReadonlyArray<{ readonly name: string }>>(['sessions'])
  expect(sessions.map(({ name }) => name).sort()).toEqual(['default', 'elsewhere'])
})
