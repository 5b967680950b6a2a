import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Message, openHistory } from '../../../runner/terminus/history.ts'
import { runLoop } from '../../../runner/terminus/loop.ts'
import type { Answer } from '../../../runner/terminus/model.ts'
import { type GivenSettings, readSettings } from '../../../runner/terminus/settings.ts'
import type { Terminal } from '../../../runner/terminus/tmux.ts'
import { makeDirectory, never } from '../_sandbox.ts'
import { type Reply, writeReply } from './_simulated.ts'

type Step = string | Answer | Error | ((messages: readonly Message[]) => string)

/** A terminal in memory that echoes what is typed, and a model that answers by a list. */
function scripted(steps: readonly Step[], given: GivenSettings = {}, file = join(makeDirectory(), 'h.jsonl')) {
  const typed: string[] = []
  const seen: Array<readonly Message[]> = []
  let text = '$'
  const terminal: Terminal = {
    isAlive: async () => !typed.includes('exit\n'),
    type: async keystrokes => {
      typed.push(keystrokes)
      text += ` ${keystrokes.replace('\n', '')}\n$`
    },
    capture: async () => ({ whole: text, screen: text.slice(-200) }),
    close: async () => {},
  }
  const askModel = async (messages: readonly Message[]): Promise<Answer> => {
    const step = steps[seen.length]
    seen.push(messages)
    if (step === undefined) throw new Error(`asked once too often: ${messages.at(-1)?.text}`)
    if (step instanceof Error) throw step
    if (typeof step === 'object') return step
    return { text: typeof step === 'string' ? step : step(messages), cut: false, contextTokens: null }
  }
  const settings = readSettings({ retry_wait_sec: 0, ...given })
  const history = openHistory(file)
  const run = (instruction = 'TASK-ONE') => runLoop({ terminal, history, askModel, instruction, settings, signal: never })
  const last = (index: number): string => seen[index]?.at(-1)?.text ?? ''
  return { run, typed, seen, last, history, file }
}

const say = (reply: Reply): string => writeReply({ duration: 0, ...reply })
const done = say({ complete: true })
const tooLong = Object.assign(new Error('prompt is too long: 9 tokens > 8 maximum'), { status: 400 })

describe('terminus', () => {
  it('begins with rules, task and terminal in one message, and types in order', async () => {
    const { run, typed, seen, last } = scripted([say({ commands: ['one\n', 'two\n'] }), done, done])
    expect(await run()).toEqual({ ended: 'completed', episodes: 3, commands: 2, parseErrors: 0, compactions: [], retries: 0 })
    expect(seen[0]).toHaveLength(1)
    expect(last(0)).toMatch(/"keystrokes"[\s\S]*TASK:\nTASK-ONE\n\nCurrent Terminal Screen:\n\$$/)
    expect(typed).toEqual(['one\n', 'two\n'])
    expect(last(1)).toBe('New Terminal Output:\n$ one\n$ two\n$')
  })

  it('asks once more before it believes that all is done, and types what comes with the claim', async () => {
    const { run, typed, last, history } = scripted([
      say({ commands: ['a\n'], complete: true }),
      say({ commands: ['b\n'], complete: true }),
    ])
    expect((await run()).episodes).toBe(2)
    expect(last(1)).toMatch(/^New Terminal Output:\n\$ a\n\$\n\nYou say that the task is complete/)
    expect(typed).toEqual(['a\n', 'b\n'])
    expect(history.messages().at(-1)?.text).toBe('New Terminal Output:\n$ b\n$')
  })

  it('forgets the claim when the model goes on, but not when its answer could not be read', async () => {
    const onward = scripted([done, say({ commands: ['x\n'] }), done, done])
    expect((await onward.run()).episodes).toBe(4)
    expect(onward.last(3)).toContain('You say that the task is complete')
    const unreadable = scripted([done, 'Yes, I am sure!', done])
    expect(await unreadable.run()).toMatchObject({ ended: 'completed', episodes: 3, parseErrors: 1 })
    const never = scripted(['Done!', done, done])
    expect((await never.run()).episodes).toBe(3)
  })

  it('types nothing of an answer that cannot be read, and says why', async () => {
    const { run, typed, last } = scripted(['{"plan": "", "commands": [{"keystrokes": "x\\n"}], "mood": 1}', done, done])
    await run()
    expect(typed).toEqual([])
    expect(last(1)).toMatch(
      /could not be read, so nothing of it was typed:\n- the field "analysis" is missing\nAlso noticed:\n- the field "mood"/,
    )
  })

  it('tells what it has tolerated, except with a claim', async () => {
    const sloppy = (complete: boolean) => `Well: ${say({ commands: ['x\n'], complete })}`
    const { run, last } = scripted([sloppy(false), sloppy(true), done])
    await run()
    expect(last(1)).toMatch(/^Your last answer was understood, but:\n- text before the JSON object was ignored\n\nNew Terminal/)
    expect(last(2)).not.toContain('ignored')
  })

  it('types nothing of an answer that was cut, and asks for a shorter one', async () => {
    const cut = { text: say({ commands: ['x\n'] }), cut: true, contextTokens: null }
    const { run, typed, last } = scripted([cut, done, done])
    expect((await run()).parseErrors).toBe(1)
    expect(typed).toEqual([])
    expect(last(1)).toContain('reached the length limit')
  })

  it('ends when its terminal is gone, and types nothing after that', async () => {
    const { run, typed } = scripted([say({ commands: ['exit\n', 'ls\n'] })])
    expect(await run()).toMatchObject({ ended: 'terminal-gone', episodes: 1, commands: 1 })
    expect(typed).toEqual(['exit\n'])
  })

  it('goes on with its conversation: what was asked before stays, what is new is said', async () => {
    const first = scripted([done, done])
    await first.run('TASK-ONE')
    const second = scripted([done, done], {}, first.file)
    await second.run('TASK-TWO')
    expect(second.seen[0]?.slice(0, 3)).toEqual(first.seen[1])
    expect(second.last(0)).toMatch(/work goes on with a new request[\s\S]*REQUEST:\nTASK-TWO/)
    expect(second.history.requests()).toEqual(['TASK-ONE', 'TASK-TWO'])
  })

  it('keeps no question that was not answered', async () => {
    const { run, history } = scripted([say({ commands: ['x\n'] }), Object.assign(new Error('no'), { status: 401 })])
    await expect(run()).rejects.toThrow('no')
    expect(history.messages().map(message => message.role)).toEqual(['user', 'assistant'])
  })
})

describe('compaction', () => {
  /** Ten thousand tokens each. */
  const busy = Array.from({ length: 3 }, (_, index) => say({ commands: [`step-${index}\n`], analysis: 'x'.repeat(40_000) }))
  const threeWay: Step[] = ['THE-SUMMARY', 'THE-QUESTIONS', 'THE-ANSWERS']

  function checkHandover(seen: ReadonlyArray<readonly Message[]>, at: number) {
    const text = (index: number): string => seen[at + index]?.at(-1)?.text ?? ''
    expect(text(0)).toMatch(/Write a handover/)
    expect(seen[at]?.length).toBeGreaterThan(2)
    expect(seen[at + 1]).toHaveLength(1)
    expect(text(1)).toMatch(/TASK-ONE[\s\S]*THE-SUMMARY[\s\S]*at least five questions/)
    expect(text(2)).toContain('THE-QUESTIONS')
    expect(JSON.stringify(seen[at + 2])).toMatch(/step-0.*THE-SUMMARY.*THE-QUESTIONS/)
    expect(seen[at + 3]?.map(message => message.role)).toEqual(['user', 'assistant', 'user'])
    expect(JSON.stringify(seen[at + 3])).toMatch(/TASK-ONE.*THE-SUMMARY.*THE-QUESTIONS.*THE-ANSWERS.*Current Terminal Screen/)
    expect(JSON.stringify(seen[at + 3]?.slice(0, 2))).not.toContain('step-0\\\\n')
  }

  it('comes before the provider refuses, in three conversations of their own', async () => {
    const { run, seen, file } = scripted([...busy, ...threeWay, done, done], {
      context_limit: 38_500,
      proactive_summarization_threshold: 8_200,
    })
    expect(await run()).toMatchObject({ ended: 'completed', episodes: 5, commands: 3, compactions: ['full'] })
    checkHandover(seen, 3)
    expect(readFileSync(file, 'utf8')).toContain('step-0')
  })

  it('comes after a refusal, and is not repeated at every step', async () => {
    const { run, seen } = scripted([...busy, tooLong, ...threeWay, say({ commands: ['more\n'] }), done, done])
    expect(await run()).toMatchObject({ ended: 'completed', compactions: ['full'] })
    checkHandover(seen, 4)
  })

  it('asks for the summary of less when even that is too long', async () => {
    const { run, seen } = scripted([...busy, tooLong, tooLong, ...threeWay, done, done])
    expect(await run()).toMatchObject({ ended: 'completed', compactions: ['full'] })
    expect(seen[5]?.length).toBeLessThan(seen[4]?.length ?? 0)
    expect(seen[5]?.[0]?.text).toContain('TASK-ONE')
  })

  it('falls back to a short summary of the screen, then to the task alone', async () => {
    const broken = Object.assign(new Error('bad request'), { status: 400 })
    const short = scripted([...busy, tooLong, broken, 'SHORT-SUMMARY', done, done])
    expect(await short.run()).toMatchObject({ ended: 'completed', compactions: ['short'] })
    expect(short.seen[5]).toHaveLength(1)
    expect(short.last(5)).toMatch(/END OF THE SCREEN:[\s\S]*step-2/)
    expect(short.seen[6]).toHaveLength(1)
    expect(short.last(6)).toMatch(/"keystrokes"[\s\S]*TASK-ONE[\s\S]*SHORT-SUMMARY/)
    const bare = scripted([...busy, tooLong, broken, '', done, done])
    expect(await bare.run()).toMatchObject({ compactions: ['bare'] })
    expect(bare.last(6)).toMatch(/TASK-ONE[\s\S]*Find out from the files/)
  })

  it('starts over with the task when what is left is refused too, and then gives up', async () => {
    const again = scripted([...busy, tooLong, ...threeWay, tooLong, done, done])
    expect(await again.run()).toMatchObject({ ended: 'completed', compactions: ['full', 'bare'] })
    expect(again.seen[8]).toHaveLength(1)
    expect(again.last(8)).not.toContain('Terminal Screen')
    const lost = scripted([...busy, tooLong, ...threeWay, tooLong, tooLong])
    await expect(lost.run()).rejects.toThrow('too long')
  })

  it('does not happen when it is switched off, nor when there is nothing to compact', async () => {
    const off = scripted([...busy, tooLong], { enable_summarize: false, context_limit: 1_000 })
    await expect(off.run()).rejects.toThrow('too long')
    const short = scripted([tooLong])
    await expect(short.run()).rejects.toThrow('too long')
    expect(short.seen).toHaveLength(1)
  })

  it('names every request of the conversation afterwards', async () => {
    const first = scripted([done, done])
    await first.run('TASK-ZERO')
    const { run, last } = scripted([...busy, tooLong, 'no', '', '', done, done], {}, first.file)
    await run('TASK-ONE')
    expect(last(7)).toMatch(/REQUEST 1 \(worked on already\):\nTASK-ZERO\n\nREQUEST 2 \(now[^)]*\):\nTASK-ONE/)
  })
})
