// The scripted model of the quick start at work on one of its tasks: its commands are run and the tests judge what came out.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import OpenAI from 'openai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import { expect, onTestFinished } from 'vitest'
import { readScript } from '../../scenarios/simulated/script.ts'
import { startSimulated } from '../../scenarios/simulated/server.ts'

const folder = fileURLToPath(new URL('../../configs/quickstart/', import.meta.url))
/** As configs/quickstart.yaml says. */
const attemptsMax = 2

interface TaskText {
  readonly id: string
  readonly files: Record<string, string>
  readonly turns: ReadonlyArray<{ instruction: string; verifier: { files: Record<string, string>; command: string[] } }>
}

const tasks = readFileSync(join(folder, 'tasks.jsonl'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('{'))
  .map(line => JSON.parse(line) as TaskText)

const parameters = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] }
const tools = [{ type: 'function' as const, function: { name: 'bash', description: '', parameters } }]

let workspace = ''

function execute(argv: readonly string[]): { status: number | null; output: string } {
  const env = { PATH: process.env['PATH'], HOME: workspace, TMPDIR: tmpdir() }
  const result = spawnSync(argv[0] ?? '', argv.slice(1), { cwd: workspace, env, encoding: 'utf8' })
  return { status: result.status, output: result.stdout + result.stderr }
}

function writeFiles(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true })
    writeFileSync(join(workspace, path), text)
  }
}

function verify(turn: TaskText['turns'][number]): { passed: boolean; output: string } {
  writeFiles(turn.verifier.files)
  const { status, output } = execute(turn.verifier.command)
  rmSync(join(workspace, 'hidden-tests'), { recursive: true })
  return { passed: status === 0, output }
}

/** The agent: asks, runs what it is told, until an answer without calls. */
async function work(client: OpenAI, messages: ChatCompletionMessageParam[]): Promise<void> {
  for (let call = 0; call < 10; call++) {
    const answer = await client.chat.completions.stream({ model: 'simulated-1', messages, tools }).finalChatCompletion()
    const message = answer.choices[0]?.message
    messages.push({
      role: 'assistant',
      content: message?.content ?? null,
      ...(message?.tool_calls ? { tool_calls: message.tool_calls } : {}),
    })
    if (!message?.tool_calls?.length) return
    for (const { id, function: asked } of message.tool_calls) {
      const { status, output } = execute(['sh', '-c', (JSON.parse(asked.arguments) as { command: string }).command])
      expect(status, `${asked.arguments}\n${output}`).toBe(0)
      messages.push({ role: 'tool', tool_call_id: id, content: output })
    }
  }
  throw new Error('the scripted model never ended its turn')
}

/** How many attempts each turn of the task took; null when none passed. */
export async function countAttempts(id: string): Promise<Array<number | null>> {
  const task = tasks.find(one => one.id === id)
  const server = await startSimulated({ seed: 1, script: await readScript(join(folder, 'simulated.yaml')) })
  workspace = mkdtempSync(join(tmpdir(), 'quickstart-'))
  onTestFinished(async () => {
    await server.close()
    rmSync(workspace, { recursive: true, force: true })
  })
  writeFiles(task?.files ?? {})
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any' })
  const messages: ChatCompletionMessageParam[] = []
  const attempts: Array<number | null> = []
  for (const turn of task?.turns ?? []) {
    let passedAt: number | null = null
    let feedback: string | null = null
    for (let attempt = 1; attempt <= attemptsMax && passedAt === null; attempt++) {
      messages.push({ role: 'user', content: feedback ?? turn.instruction })
      await work(client, messages)
      const { passed, output } = verify(turn)
      if (passed) passedAt = attempt
      feedback = `The tests for this turn failed.\n\n${output}`
    }
    attempts.push(passedAt)
  }
  return attempts
}
