import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { runLoop } from '../../../runner/mini/loop.ts'
import type { Answer, Model, ToolOutput } from '../../../runner/mini/model.ts'
import { never } from '../_sandbox.ts'

function scripted(answers: readonly Answer[], open: readonly { id: string; input: unknown }[] = []) {
  const log: unknown[] = []
  let asked = 0
  const model: Model = {
    say: text => log.push(text),
    ask: async () => answers[asked++] ?? { text: 'end', toolCalls: [], cut: false },
    giveResults: (results: readonly ToolOutput[]) => log.push(results),
    unanswered: () => open,
  }
  return {
    log,
    run: (stepsMax = 5) => runLoop({ model, instruction: 'go', stepsMax, env: { PATH: '/usr/bin:/bin' }, signal: never }),
  }
}
const call = (id: string, command: string) => ({ id, input: { command } })

it('gives back every result of parallel calls in one go and in order', async () => {
  const { log, run } = scripted([{ text: '', toolCalls: [call('1', 'echo one'), call('2', 'false')], cut: false }])
  expect(await run()).toEqual({ ended: 'answered', steps: 2, toolCalls: 2, answer: 'end' })
  expect(log).toEqual([
    'go',
    [
      { id: '1', text: 'one\n[exit status 0]', failed: false },
      { id: '2', text: '[exit status 1]', failed: true },
    ],
  ])
})

it('closes what was left open before it says anything', async () => {
  const { log, run } = scripted([], [{ id: '9', input: null }])
  await run()
  expect(log).toEqual([[{ id: '9', text: 'The command was interrupted before it had ended.', failed: true }], 'go'])
})

it('ends at the step limit with every call answered', async () => {
  const { log, run } = scripted(Array.from({ length: 9 }, () => ({ text: '', toolCalls: [call('1', 'true')], cut: false })))
  expect(await run(2)).toMatchObject({ ended: 'step-limit', steps: 2, toolCalls: 2 })
  expect(log).toHaveLength(3)
})

it('lets go of what a client leaves on its signal, and calls it off all the same', async () => {
  const control = new AbortController()
  const { signal } = control
  const calledOff: boolean[] = []
  const answer = { text: '', toolCalls: [call('1', 'true')], cut: false }
  const model: Model = {
    ...{ say: () => undefined, giveResults: () => undefined, unanswered: () => [] },
    ask: async own => {
      own.addEventListener('abort', () => calledOff.push(true))
      return answer
    },
  }
  await runLoop({ model, instruction: 'go', stepsMax: 20, env: { PATH: '/usr/bin:/bin' }, signal })
  expect(getEventListeners(signal, 'abort')).toEqual([])
  control.abort()
  expect(calledOff).toHaveLength(20)
})
