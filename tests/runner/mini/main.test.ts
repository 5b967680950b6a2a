import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AgentContext } from '../../../runner/agents/_adapter.ts'
import mini from '../../../runner/agents/mini.ts'
import { runGroup } from '../../../runner/processes.ts'
import { makeDirectory, never } from '../_sandbox.ts'
import { type Step, startProvider } from './_provider.ts'

const session = 'aaaaaaaa-0000-4000-8000-000000000001'

async function setUp(steps: readonly Step[], model: string) {
  const provider = await startProvider(steps)
  const home = makeDirectory()
  const root = `${provider.url}/t/tok-secret-1`
  const context: AgentContext = {
    spec: { id: 'mini', model },
    workspace: home,
    home,
    token: 'tok-secret-1',
    baseUrls: { root, anthropic: root, openai: `${root}/v1` },
    inImage: false,
  }
  const say = async (instruction: string, env: Record<string, string> = {}, signal = never) => {
    const command = mini.command({ instruction, session, continues: false, solution: null }, context)
    const result = await runGroup({
      argv: command.argv,
      stdin: command.stdin,
      cwd: home,
      env: { PATH: '/usr/bin:/bin', HOME: home, ...mini.env(context), ...env },
      timeoutMs: 30_000,
      signal,
      outputCharsMax: 100_000,
    })
    return { ...result, summary: JSON.parse(result.stdout.trim().split('\n').at(-1) ?? 'null') as Record<string, unknown> }
  }
  return { ...provider, home, say }
}

const protocols = [
  ['claude-test', 'anthropic-messages', '/t/tok-secret-1/v1/messages'],
  ['gpt-test', 'openai-chat', '/t/tok-secret-1/v1/chat/completions'],
] as const

describe.each(protocols)('mini with %s over %s', (model, protocol, path) => {
  it('runs the commands of the model, gives back their output, and ends with its answer', async () => {
    const { say, seen, home } = await setUp(
      [
        { text: 'Looking.', commands: ['echo made > made.txt; cat made.txt; exit 4', 'echo $TURNPIKE_TOKEN$TURNPIKE_BASE_URL-'] },
        { text: 'All done.' },
      ],
      model,
    )
    const { exit, summary } = await say('make it')
    expect(exit).toBe(0)
    expect(summary).toMatchObject({ session, protocol, model, ended: 'answered', steps: 2, toolCalls: 2, answer: 'All done.' })
    expect(readFileSync(join(home, 'made.txt'), 'utf8')).toBe('made\n')
    expect(seen.map(one => one.path)).toEqual([path, path])
    expect(seen[0]?.headers['x-api-key'] ?? seen[0]?.headers.authorization).toMatch(/tok-secret-1$/)
    expect(seen[0]?.body).toMatchObject({ model, stream: true })
    const results = JSON.stringify(seen[1]?.body.messages)
    expect(results).toContain('made\\n[exit status 4]')
    expect(results).toContain('"-\\n[exit status 0]')
  })

  it('continues its conversation in the next process, every request a byte-exact continuation of the one before', async () => {
    const { say, seen } = await setUp(
      [{ commands: ['true'] }, { text: 'first' }, { text: 'äö "second"' }, { text: 'third' }],
      model,
    )
    await say('one')
    await say('two')
    await say('three')
    const histories = seen.map(one => JSON.stringify(one.body.messages).slice(0, -1))
    for (const [index, history] of histories.slice(1).entries()) expect(history.startsWith(histories[index] ?? '?')).toBe(true)
    expect(
      new Set(seen.map(one => one.raw.replace(/"messages":\[.*\](?=,"(?:tools|stream|cache_control|max_tokens|system)|\})/s, '')))
        .size,
    ).toBe(1)
    expect(JSON.stringify(seen.at(-1)?.body.messages)).toMatch(/one.*first.*two.*second.*three/)
  })

  it('answers calls whose arguments are wrong or cut instead of running anything', async () => {
    const { say, seen, home } = await setUp(
      [
        { rawArguments: '{"cmd":"touch wrong"}' },
        { rawArguments: '{"command":"touch cut', stop: protocol === 'openai-chat' ? 'length' : 'max_tokens' },
        { text: 'ok' },
      ],
      model,
    )
    expect((await say('go')).summary).toMatchObject({ ended: 'answered', steps: 3 })
    expect(JSON.stringify(seen[1]?.body.messages)).toContain('Nothing was run')
    expect(JSON.stringify(seen[2]?.body.messages)).toContain('nothing was run')
    expect(() => readFileSync(join(home, 'cut'))).toThrow()
  })

  it('stops at its step limit with an exit status of its own', async () => {
    const { say, seen } = await setUp(
      Array.from({ length: 9 }, () => ({ commands: ['true'] })),
      model,
    )
    const { exit, summary } = await say('go', { TURNPIKE_STEPS: '3' })
    expect([exit, summary['ended'], seen.length]).toEqual([3, 'step-limit', 3])
  })

  it('tries again after 429 and 500, and reports what cannot be survived', async () => {
    const { say, seen } = await setUp([{ status: 429 }, { status: 500 }, { text: 'ok' }, { status: 401 }], model)
    expect((await say('go')).exit).toBe(0)
    expect(seen).toHaveLength(3)
    const refused = await say('again')
    expect(refused.exit).toBe(1)
    expect(refused.summary).toMatchObject({ ended: 'failed', status: 401 })
    expect(refused.stdout + refused.stderr).not.toContain('tok-secret-1')
  })

  it('does not take half an answer for an answer', async () => {
    const { say } = await setUp([{ text: 'half', commands: ['touch never'], cut: true }], model)
    const { exit, summary } = await say('go')
    expect(exit).toBe(1)
    expect(summary['ended']).toBe('failed')
  })

  it('closes the calls that a killed process left open before it says anything new', async () => {
    const { say, seen } = await setUp([{ commands: ['sleep 30'] }, { text: 'ok' }], model)
    const stop = new AbortController()
    const first = say('one', {}, stop.signal)
    while (seen.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    await new Promise(resolve => setTimeout(resolve, 500))
    stop.abort()
    expect((await first).ended).toBe('interrupted')
    expect((await say('two')).exit).toBe(0)
    expect(JSON.stringify(seen.at(-1)?.body.messages)).toMatch(/interrupted.*two/)
  })
})

describe('mini', () => {
  it.each([
    [{ TURNPIKE_MODEL: '' }, 'TURNPIKE_MODEL is not set'],
    [{ TURNPIKE_PROTOCOL: 'gemini' }, 'TURNPIKE_PROTOCOL is "gemini"'],
    [{ TURNPIKE_STEPS: 'many' }, 'TURNPIKE_STEPS is "many"'],
  ])('refuses a wrong environment %o with exit status 2', async (env, message) => {
    const { say, seen } = await setUp([], 'm')
    const { exit, stderr } = await say('go', env)
    expect([exit, seen.length]).toEqual([2, 0])
    expect(stderr).toContain(message)
  })

  it('refuses an empty instruction', async () => {
    const { say } = await setUp([], 'm')
    expect(await say('  ')).toMatchObject({ exit: 2, stderr: expect.stringContaining('no instruction') })
  })
})
