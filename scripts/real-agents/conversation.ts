// Two turns of one session with a real agent: prepares home and workspace, begins, continues, and says what the workspace holds after each.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openAcp } from './acp.ts'
import type { Place, RealAgent, Variant } from './agents/_agent.ts'
import { openLines } from './lines.ts'
import { endAllOf, runToEnd, type Started, type TurnResult } from './processes.ts'

export interface Target {
  readonly agent: RealAgent
  readonly variant: Variant
  /** Folder the agents are installed in, one folder each. */
  readonly installed: string
  readonly base: string
  readonly key: string
  readonly uuid: string
  /** Proxy address for HTTPS: a dead end that notes where agents wanted to go. */
  readonly deadEnd: string
  readonly timeoutMs: number
  /** Keeps home and workspace for a look afterwards. */
  readonly keep: boolean
}

export interface TurnSeen extends TurnResult {
  /** hello.txt after the turn, trimmed; null when it is not there. */
  readonly file: string | null
}

export interface ConversationSeen {
  readonly turns: readonly TurnSeen[]
  /** Path -> text of everything in the workspace in the end, git's own files left out. */
  readonly files: Readonly<Record<string, string>>
}

export const prompts = ['Create hello.txt containing hi.', 'Now make it say bye.'] as const

export const programOf = (agent: RealAgent, installed: string): string =>
  join(installed, agent.id, 'node_modules', '.bin', agent.program)

/** What is installed, which may not be what was asked for. */
export function versionOf(agent: RealAgent, installed: string): string {
  const file = join(installed, agent.id, 'node_modules', agent.npm, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version : 'unknown'
}

export async function converse(target: Target): Promise<ConversationSeen> {
  const { agent, variant } = target
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'turnpike-home-')))
  const workspace = realpathSync(mkdtempSync(join(tmpdir(), 'turnpike-work-')))
  const place: Place = { base: target.base, key: target.key, home, workspace, uuid: target.uuid }
  try {
    furnish(place, variant)
    const started = { program: programOf(agent, target.installed), cwd: workspace, env: environmentOf(target, place) }
    const turns =
      variant.drive.kind === 'process'
        ? await byProcesses(started, target, place, variant.drive)
        : await byOneProcess({ ...started, args: variant.drive.args(place) }, target, place, variant.drive)
    return { turns, files: readAll(workspace) }
  } finally {
    endAllOf(home)
    if (target.keep) console.log(`kept ${home} ${workspace}`)
    else for (const directory of [home, workspace]) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

type Process = Extract<Variant['drive'], { kind: 'process' }>

async function byProcesses(started: Omit<Started, 'args'>, target: Target, place: Place, drive: Process): Promise<TurnSeen[]> {
  const { variant, timeoutMs } = target
  const prepared = variant.prepare?.(place)
  if (prepared !== undefined) await runToEnd({ ...started, args: prepared.args }, prepared.stdin ?? '', timeoutMs)
  const turns: TurnSeen[] = []
  let session: string | null = null
  for (const prompt of promptsOf(variant)) {
    const { args, stdin } = drive.turn(place, prompt, session)
    const result = await runToEnd({ ...started, args }, stdin ?? '', timeoutMs)
    turns.push({ ...result, file: readFile(place) })
    session ??= drive.readSession === undefined ? place.uuid : drive.readSession(result.output)
    if (session === null) break
  }
  return turns
}

type OneProcess = Exclude<Variant['drive'], Process>

async function byOneProcess(started: Started, target: Target, place: Place, drive: OneProcess): Promise<TurnSeen[]> {
  const { timeoutMs } = target
  const conversation = drive.kind === 'acp' ? openAcp(started, timeoutMs) : openLines(started, drive, timeoutMs)
  const turns: TurnSeen[] = []
  for (const prompt of promptsOf(target.variant)) {
    const result = await conversation.turn(prompt)
    turns.push({ ...result, file: readFile(place) })
    if (result.exit === null) break
  }
  conversation.close()
  return turns
}

export const promptsOf = (variant: Variant): readonly string[] => (variant.oneTurn === undefined ? prompts : prompts.slice(0, 1))

function furnish(place: Place, variant: Variant): void {
  for (const [path, text] of Object.entries(variant.files?.(place) ?? {})) {
    mkdirSync(dirname(join(place.home, path)), { recursive: true })
    writeFileSync(join(place.home, path), text)
  }
  writeFileSync(join(place.workspace, 'README.md'), 'A workspace.\n')
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=nobody', '-c', 'user.email=nobody@example.org', ...args], {
      cwd: place.workspace,
      stdio: 'ignore',
    })
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'start', '--date', '2026-01-01T00:00:00Z')
}

/** Nothing of the host but the path; a current Node stands before the host's for agents that need one. */
function environmentOf(target: Target, place: Place): Record<string, string> {
  const node = join(target.installed, 'node24', 'node_modules', '.bin')
  const path = process.env['PATH'] ?? ''
  return {
    PATH: existsSync(node) ? `${node}:${path}` : path,
    HOME: place.home,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    HTTPS_PROXY: target.deadEnd,
    https_proxy: target.deadEnd,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    ...target.variant.env(place),
  }
}

function readFile(place: Place): string | null {
  const path = join(place.workspace, 'hello.txt')
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null
}

function readAll(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter(path => !path.startsWith('.git/'))
    .sort()
  return Object.fromEntries(files.map(path => [path, readFileSync(join(directory, path), 'utf8')]))
}
