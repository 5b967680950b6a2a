// The agent `terminus` in a whole run: two turns of one conversation through the proxy, in a terminal of the local environment.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPlace, type Place, readLast } from '../_cli.ts'

const turn = (name: string) => ({
  instruction: `Make the file ${name}.`,
  verifier: { files: {}, command: ['sh', '-c', `test -s ${name}`], timeout_ms: 20_000 },
})
const task = { id: 'files', title: 'Two files', files: {}, turns: [turn('one.txt'), turn('two.txt')] }

const reply = (commands: readonly string[], complete: boolean) =>
  JSON.stringify({
    analysis: '',
    plan: '',
    commands: commands.map(keystrokes => ({ keystrokes, duration: 0.3 })),
    task_complete: complete,
  })
const rule = (user: string, text: string) => ({ when: { user }, steps: [{ text }] })
const script = {
  version: 1,
  rules: [
    rule('It will be tested as it is now', reply([], true)),
    // The second turn is told as one that goes on, and its file is made from what the first has left.
    rule(
      'goes on with a new request[^]*two.txt[^]*Terminal Screen',
      reply(['cp one.txt two.txt; echo written-"two"\n', ''], false),
    ),
    rule('written-(one|two)', reply([], true)),
    rule('TASK:\\s+Make the file one.txt', reply(['echo 1 > one.txt; sleep 300 & echo written-"one"\n', ''], false)),
  ],
}
const config = {
  run: { tasks: 'tasks.jsonl', model: 'sim', agents: [{ name: 'terminus', settings: { max_turns: 9, tmux_pane_width: 120 } }] },
  simulated: { enabled: true, script: 'script.json' },
}

interface RunJson {
  readonly state: string
  readonly trials: ReadonlyArray<{ readonly name: string; readonly outcome: string }>
  readonly score: { readonly agents: ReadonlyArray<{ readonly mean_turn_pass: number }> }
}

let place: Place
beforeAll(() => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task)}\n`)
  writeFileSync(join(place.directory, 'script.json'), JSON.stringify(script))
  writeFileSync(join(place.directory, 'turnpike.yaml'), JSON.stringify(config))
})
afterAll(() => place.close())

it('solves two turns in one conversation, every call recorded', async () => {
  const ended = await place.run(['run', '--name', 'first', '--json'])
  expect(ended.stderr).not.toMatch(/error|failed/)
  const run = readLast<RunJson>(ended.stdout)
  expect(run).toMatchObject({ state: 'finished', trials: [{ name: 'files.terminus.1', outcome: 'finished' }] })
  expect(run.score.agents[0]?.mean_turn_pass).toBe(1)
  const { calls } = await place.json<{ calls: ReadonlyArray<{ turn: number }> }>(['show', 'latest'])
  expect(calls.map(call => call.turn)).toEqual([1, 1, 1, 2, 2, 2])
})

it('is refused before anything starts when a setting is wrong', async () => {
  const wrong = { ...config, run: { ...config.run, agents: [{ name: 'terminus', settings: { parser: 'yaml' } }] } }
  writeFileSync(join(place.directory, 'wrong.yaml'), JSON.stringify(wrong))
  const { code, stderr } = await place.run(['run', '--config', 'wrong.yaml', '--store', 'other'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/agent terminus needs one of json, xml for the setting parser, not "yaml"/)
  expect(existsSync(join(place.directory, 'other', 'runs'))).toBe(false)
})
