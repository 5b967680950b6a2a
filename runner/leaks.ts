// Did anything of a verifier reach the agent? Each trial plants a word of its own in the verifier's files and looks for it, and for lines that only
// those files hold, in what the agent sent to its model. Reports only; never changes a verdict.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Verifier } from '../core/task.ts'
import type { Exchange } from '../core/types.ts'
import { createRequestSearch, type RequestStore } from './request-search.ts'
import { textBytesMin } from './text-finder.ts'

export interface Leak {
  readonly exchangeId: string
  /** `canary`: the planted word, certain. `lines`: several lines of one hidden file, a suspicion. */
  readonly kind: 'canary' | 'lines'
  /** Name of the hidden file; null when only the word was seen. */
  readonly file: string | null
}

export interface LeakWatch {
  readonly canary: string
  /**
   * Looks into the requests of an attempt for what earlier verifications brought, then notes what only the coming verifier's files hold: lines the
   * agent has already sent, was told, or knows from the task, prove nothing. `told` is what it was told in this attempt.
   */
  readonly inspect: (sent: SentRequests, verifier: Verifier, told: string) => Promise<Leak[]>
  /** The verifier with the word in its files, and in a file of its own beside its directories of tests. */
  readonly plant: (verifier: Verifier) => Promise<Verifier>
}

export interface SentRequests {
  readonly store: RequestStore
  readonly exchanges: readonly Exchange[]
}

/** How a comment is written at the end of a file; other files are left as they are. */
const comments: ReadonlyArray<readonly [endings: RegExp, write: (text: string) => string]> = [
  [/\.(sh|bash|py|rb|pl|r|yaml|yml|toml|ini|cfg)$/i, text => `\n# ${text}\n`],
  [/\.([cm]?[jt]sx?|go|rs|c|h|cc|cpp|hpp|java|kt|swift|cs|php|scala)$/i, text => `\n// ${text}\n`],
]

/** Files of verifiers are searched for lines up to this size; data beyond it is no test. */
const fileBytesMax = 1024 * 1024
const linesPerFileMax = 12
/** Lines of one file in one request: one may be chance, such as the name of a function that was asked for. */
const linesSuspicious = 3

/** No runner of tests collects it, no pattern of a shell finds it; a search of the directory does, and so does a copy. */
const canaryFile = '.turnpike-canary'

export interface Watched {
  /** A place of this machine for the file that goes beside directories of tests; it is made when it is needed. */
  readonly directory: string
  /** Everything that the agent may rightly know from the beginning. */
  readonly known: string
  /** Those to come, so that no request has to be read a second time for one of them. */
  readonly verifiers: readonly Verifier[]
}

export function createLeakWatch({ directory, known, verifiers }: Watched): LeakWatch {
  const canary = `turnpike-canary-${randomBytes(16).toString('hex')}`
  const lines = new Map<string, readonly string[]>()
  const seen = new Set<string>()
  const requests = createRequestSearch()
  requests.add([canary])
  let isTold = false
  let expecting: Promise<void> | null = null
  const expectLines = async (): Promise<void> => {
    for (const verifier of verifiers)
      for (const [, text] of await readVerifierFiles(verifier).catch(() => [])) requests.add(pickLines(text))
  }
  return {
    canary,
    inspect: async ({ store, exchanges }, verifier, told) => {
      expecting ??= expectLines()
      await expecting
      const files = await readVerifierFiles(verifier)
      const fresh = new Map(files.filter(([name]) => !lines.has(name)).map(([name, text]) => [name, pickLines(text)]))
      const isKnown = findAll([...fresh.values()].flat(), known)
      keepLines(fresh, line => !isKnown.has(line))
      requests.add([...fresh.values()].flat())
      const leaks: Leak[] = []
      // Messages of failed tests quote them: what we have told once stands in every later request.
      const isInTold = requests.findIn(Buffer.from(told))
      isTold ||= isInTold.has(canary)
      dropLines(lines, isInTold)
      dropLines(fresh, isInTold)
      for (const exchange of exchanges) {
        if (seen.has(exchange.requestSha256)) continue
        seen.add(exchange.requestSha256)
        const held = await requests.search(store, exchange)
        const found = findLeak(held, { canary: isTold ? null : canary, lines })
        if (found !== null) leaks.push({ exchangeId: exchange.id, ...found })
        dropLines(fresh, held)
      }
      for (const [name, list] of fresh) lines.set(name, list)
      return leaks
    },
    plant: async verifier => {
      const files = Object.entries(verifier.files).map(([path, text]) => [path, withComment(path, text, canary)])
      const planted = { ...verifier, files: Object.fromEntries(files) }
      const targets = new Set((verifier.trees ?? []).map(tree => tree.to).filter(isOwnPlace))
      if (targets.size === 0) return planted
      await mkdir(directory, { recursive: true })
      await writeFile(join(directory, canaryFile), `${canary}\n`)
      return { ...planted, trees: [...(verifier.trees ?? []), ...[...targets].map(to => ({ directory, to }))] }
    },
  }
}

/** Tests that lie among the agent's own files may stay there; a word that the agent may read proves nothing. */
const isOwnPlace = (to: string): boolean => !['', '.', './'].includes(to)

/** Most texts hold none of them. */
function dropLines(lines: Map<string, readonly string[]>, held: ReadonlySet<string>): void {
  if (held.size > 0) keepLines(lines, line => !held.has(line))
}

function keepLines(lines: Map<string, readonly string[]>, isKept: (line: string) => boolean): void {
  for (const [name, list] of lines) if (!list.every(isKept)) lines.set(name, list.filter(isKept))
}

function findAll(texts: readonly string[], within: string): ReadonlySet<string> {
  if (texts.length === 0) return new Set()
  const search = createRequestSearch()
  search.add(texts)
  return search.findIn(Buffer.from(within))
}

function findLeak(
  held: ReadonlySet<string>,
  hidden: { readonly canary: string | null; readonly lines: ReadonlyMap<string, readonly string[]> },
): Omit<Leak, 'exchangeId'> | null {
  if (held.size === 0) return null
  const holding = [...hidden.lines].find(
    ([, lines]) => lines.filter(line => held.has(line)).length >= Math.min(linesSuspicious, Math.max(2, lines.length)),
  )
  if (hidden.canary !== null && held.has(hidden.canary)) return { kind: 'canary', file: holding?.[0] ?? null }
  return holding === undefined ? null : { kind: 'lines', file: holding[0] }
}

/** A text whose last line goes on, or that is data, would mean something else with a comment below. */
function withComment(path: string, text: string, canary: string): string {
  const write = comments.find(([endings]) => endings.test(path))?.[1]
  return write === undefined || /\\\s*$/.test(text) ? text : text + write(canary)
}

async function readVerifierFiles({ files, trees = [] }: Verifier): Promise<Array<readonly [name: string, text: string]>> {
  const found: Array<readonly [string, string]> = Object.entries(files)
  for (const { directory } of trees)
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
      if (text.length <= fileBytesMax) found.push([entry.name, text])
    }
  return found
}

/** Long lines that read the same however often JSON wraps them, and are no common phrase of a language. */
function pickLines(text: string): string[] {
  const candidates = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.length >= textBytesMin && /^[\x20-\x7e]+$/.test(line) && !/["\\]/.test(line))
  return [...new Set(candidates)].sort((one, other) => other.length - one.length).slice(0, linesPerFileMax)
}
