import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findMarked, waitFor } from '../_sandbox.ts'
import { session, setUp, writeReply } from './_simulated.ts'

const done = { text: writeReply({ complete: true }) }
const sure = ['It will be tested as it is now', done] as const

const protocols = [
  ['claude-test', 'anthropic-messages', {}],
  ['gpt-test', 'openai-chat', {}],
  ['gpt-test', 'openai-responses', { protocol: 'openai-responses' }],
] as const

/** The texts of a request's messages, in either shape. */
function readMessages(body: string): Array<{ role: string; content: string }> {
  const { messages, input } = JSON.parse(body)
  return messages ?? input
}

describe.each(protocols)('terminus with %s over %s', (model, protocol, settings) => {
  it('types what the model answers, shows what came of it, and ends when it is said twice that all is done', async () => {
    const { say, seen, home } = await setUp(
      [
        ['made-by-agent', done],
        sure,
        ['make it', { text: writeReply({ commands: ['echo made-by-$((1))agent > made.txt; sed s/1// made.txt\n'] }) }],
      ],
      model,
    )
    const { exit, summary, stderr } = await say('make it', settings)
    expect(stderr).toBe('')
    expect(exit).toBe(0)
    expect(summary).toMatchObject({
      session,
      protocol,
      model,
      ended: 'completed',
      episodes: 3,
      commands: 1,
      parseErrors: 0,
      compactions: [],
    })
    expect(readFileSync(join(home, 'made.txt'), 'utf8')).toBe('made-by-1agent\n')
    expect(seen).toHaveLength(3)
    expect(readMessages(seen[1] ?? '').at(-1)?.content).toMatch(/^New Terminal Output:\n.*[$#] echo made[\s\S]*\nmade-by-agent\n/)
    expect(readMessages(seen[2] ?? '').at(-1)?.content).toMatch(/made-by-agent|Current Terminal Screen/)
    expect(readFileSync(join(home, '.turnpike-terminus', `${session}.pane`), 'utf8')).toContain('made-by-agent')
  })

  it('goes on with its conversation in the next process, and sends what is set and nothing else', async () => {
    const { say, seen } = await setUp([sure, ['one|two', done]], model)
    await say('do one', { ...settings, temperature: 0.5, reasoning_effort: 'low', max_output_tokens: 777 })
    await say('do two', settings)
    for (const body of seen.slice(0, 2)) {
      expect(body).toContain('"temperature":0.5')
      expect(body).toMatch(/"effort":"low"|"reasoning_effort":"low"/)
      expect(body).toMatch(/"max_(completion_|output_)?tokens":777/)
    }
    for (const body of seen.slice(2)) expect(body).not.toMatch(/temperature|effort|777|"system"|"tools"/)
    const [first = [], , third = [], fourth = []] = seen.map(readMessages)
    expect(third.slice(0, 1)).toEqual(first)
    expect(fourth.slice(0, third.length)).toEqual(third)
    expect(third.map(message => message.role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user'])
    expect(third.at(-1)?.content).toMatch(/The work goes on with a new request[\s\S]*do two/)
  })
})

describe('terminus', () => {
  it('hides its own variables from what runs in the terminal', async () => {
    const { say, home } = await setUp([sure, ['look', { text: writeReply({ commands: ['env > env.txt\n'], complete: true }) }]])
    expect((await say('look')).exit).toBe(0)
    const env = readFileSync(join(home, 'env.txt'), 'utf8')
    expect(env).toContain('TERM=')
    expect(env).toContain('PATH=/usr/local/bin:/usr/bin:/bin:')
    expect(env).not.toMatch(/tok-secret-1|TURNPIKE_|TERMINUS_PATH/)
  })

  it('understands XML when told to, and keeps the whole commands of a reply that was cut', async () => {
    const cut =
      '<response><analysis>a</analysis><plan>p</plan><commands><keystrokes duration="0.3">touch whole\n</keystrokes><keystrokes>touch half'
    const complete =
      '<response><analysis>a</analysis><plan>p</plan><commands></commands><task_complete>true</task_complete></response>'
    const { say, seen, home } = await setUp([
      ['not closed by </response>', { text: complete }],
      ['It will be tested', { text: complete }],
      ['go', { text: cut, stop: 'max_tokens' }],
    ])
    expect((await say('go', { parser: 'xml' })).summary).toMatchObject({ ended: 'completed', commands: 1, parseErrors: 0 })
    expect(seen[0]).toContain('<keystrokes duration=')
    expect([existsSync(join(home, 'whole')), existsSync(join(home, 'half'))]).toEqual([true, false])
  })

  it('tries again what may pass by itself, and reports what cannot', async () => {
    const { say, seen } = await setUp([sure, ['go', { ...done, fault: { kind: 'status', status: 529, times: 4 } }]])
    expect((await say('go')).summary).toMatchObject({ ended: 'completed', retries: 4 })
    expect(seen).toHaveLength(6)
    const refused = await setUp([['go', { ...done, fault: { kind: 'status', status: 401, times: 9 } }]])
    const { exit, summary, stdout, stderr } = await refused.say('go')
    expect([exit, summary['ended'], summary['status'], refused.seen.length]).toEqual([1, 'failed', 401, 1])
    expect(stdout + stderr).not.toContain('tok-secret-1')
  })

  it('has its own exit status for the limit of model calls', async () => {
    const { say, seen } = await setUp([['.', { text: writeReply({}) }]])
    const { exit, summary } = await say('go', { max_turns: 2 })
    expect([exit, summary['ended'], seen.length]).toEqual([3, 'turn-limit', 2])
  })

  it('leaves no process and no socket, also when it is interrupted', async () => {
    const { say, seen, home } = await setUp([['go', { text: writeReply({ commands: ['sleep 4321\n'], duration: 50 }) }]])
    const stop = new AbortController()
    const running = say('go', {}, {}, stop.signal)
    await waitFor(() => seen.length === 1)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    stop.abort()
    expect((await running).ended).toBe('interrupted')
    await waitFor(() => findMarked(home).length === 0)
    expect(readdirSync(home).filter(name => name.startsWith('terminus-'))).toEqual([])
  })

  it('says what is missing when there is no tmux or one that is too old', async () => {
    const { say, seen, home } = await setUp([])
    const none = await say('go', {}, { PATH: '/nowhere' })
    expect([none.exit, seen.length]).toEqual([4, 0])
    expect(none.stderr).toMatch(/terminus needs tmux/)
    mkdirSync(join(home, 'old'))
    writeFileSync(join(home, 'old', 'tmux'), '#!/bin/sh\necho tmux 3.1c\n', { mode: 0o755 })
    const old = await say('go', {}, { PATH: `${join(home, 'old')}:/usr/bin:/bin` })
    expect([old.exit, old.stderr.trim()]).toEqual([4, expect.stringContaining('needs tmux 3.2 or newer; found tmux 3.1c')])
  })

  it.each([
    [{ TURNPIKE_MODEL: '' }, 'TURNPIKE_MODEL is not set'],
    [{ TURNPIKE_TERMINUS: '{' }, 'TURNPIKE_TERMINUS is no JSON'],
    [{ TURNPIKE_TERMINUS: '[]' }, 'must be a JSON object'],
    [{ TURNPIKE_TERMINUS: '{"parsers":"xml"}' }, 'has no setting "parsers"; did you mean "parser"?'],
  ])('refuses a wrong environment %o with exit status 2', async (env, message) => {
    const { say, seen } = await setUp([])
    const { exit, stderr } = await say('go', {}, env)
    expect([exit, seen.length]).toEqual([2, 0])
    expect(stderr).toContain(message)
  })

  it('refuses an empty instruction', async () => {
    const { say } = await setUp([])
    expect(await say('  ')).toMatchObject({ exit: 2, stderr: expect.stringContaining('no instruction') })
  })
})
