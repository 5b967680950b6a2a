// The forest of a scope for people: lanes as branches, a line per call, what hangs on a call indented below it. Pure text; cut to the
// width of the screen, and readable without colour.

import pc from 'picocolors'
import { sumTokens } from '../convert/conversion-counts.ts'
import type { Evidence, Relation } from '../convert/tree/link.ts'
import type { TreeCall } from '../convert/tree/tree.ts'
import type { Exchange, Usage } from '../core/types.ts'
import { cutText } from '../report/text-width.ts'
import { cleanText, countOf } from '../report/words.ts'
import type { Output } from './commands/_command.ts'
import type { ReadTree } from './read-trees.ts'
import { type OutlineCall, type OutlineEntry, type OutlineFold, outlineForest } from './tree-outline.ts'

type Colours = ReturnType<typeof pc.createColors>

export interface TreeViewOptions {
  readonly all: boolean
  readonly evidence: boolean
}

export function drawTree(read: ReadTree, options: TreeViewOptions, output: Pick<Output, 'columns' | 'useColour'>): string[] {
  const { scope, tree, lanes, exchanges } = read
  const colours = pc.createColors(output.useColour)
  const width = Math.max(20, output.columns)
  const entries = outlineForest(tree, lanes, options)
  // A failed call only says what it asked for, which answers name otherwise.
  const models = new Set(tree.calls.filter(call => call.call.answer !== null).map(call => call.call.model))
  const isOneModel = models.size <= 1
  const agent =
    scope.agent === null ? '' : `  ${scope.agent.name}${scope.agent.version === null ? '' : ` ${scope.agent.version}`}`
  const [model = null] = isOneModel ? models : []
  const counts = `${countOf(tree.calls.length, 'call')}, ${countOf(lanes.lanes.length, 'lane')}`
  const head = cleanText(`${scope.kind} ${scope.name}${agent}${model === null ? '' : `  ${model}`}  ${counts}`)
  const lines = [colours.bold(cutText(head, width))]
  for (const entry of entries) lines.push(...drawEntry(entry, { exchanges, colours, width, isOneModel, options }))
  if (tree.scope.undecodable > 0) lines.push(colours.dim(`${countOf(tree.scope.undecodable, 'exchange')} could not be decoded`))
  return lines
}

interface Drawing {
  readonly exchanges: ReadonlyMap<string, Exchange>
  readonly colours: Colours
  readonly width: number
  readonly isOneModel: boolean
  readonly options: TreeViewOptions
}

function drawEntry({ item, rails, depth, place }: OutlineEntry, drawing: Drawing): string[] {
  const { colours, width, options } = drawing
  const hidden = depth - rails.length
  const around = (hidden > 0 ? `(${hidden}) ` : '') + rails.map(goesOn => (goesOn ? '│ ' : '  ')).join('')
  const sign = item.kind === 'fold' ? '⋮' : place === 'first' || place === 'only' ? '●' : place === 'last' ? '└' : '├'
  const text = item.kind === 'fold' ? describeFold(item) : describeCall(item, drawing)
  const line = cutText(`${around}${sign} ${text}`, width)
  const lines = [paint(line, item, colours)]
  const evidence = item.kind === 'call' && options.evidence ? item.call.link.evidence : []
  const inner = `${around}${place === 'last' || place === 'only' ? ' ' : '│'}   `
  for (const one of evidence) lines.push(colours.dim(cutText(`${inner}${describeEvidence(one)}`, width)))
  return lines
}

function paint(line: string, item: OutlineCall | OutlineFold, colours: Colours): string {
  if (item.kind === 'fold') return colours.dim(line)
  if (item.role === 'failed') return colours.red(line)
  if (item.role === 'alternative') return colours.yellow(line)
  return item.call.link.relation === 'extend' || item.call.link.relation === 'declared' ? line : colours.cyan(line)
}

/** That these have instructions of their own goes without saying. */
const beginsOtherwise: ReadonlySet<Relation> = new Set(['subagent', 'side'])

function describeCall({ call, role }: OutlineCall, { exchanges, isOneModel }: Drawing): string {
  const { call: loaded, link } = call
  const mark = role === 'failed' ? '✗ ' : role === 'alternative' ? '≈ ' : ''
  const [via, side] = [link.via === null ? [] : [`via ${link.via}`], link.side === null ? [] : [link.side]]
  const words = [link.relation, ...(link.kind === 'textual' ? ['(textual)'] : []), ...via, ...side]
  const facts = [
    new Date(loaded.startedAt).toISOString().slice(11, 19),
    ...(loaded.turn === null ? [] : [`turn ${loaded.turn}${(loaded.attempt ?? 1) > 1 ? `.${loaded.attempt}` : ''}`]),
    `${mark}${words.join(' ')}`,
    ...(isOneModel || loaded.model === null ? [] : [loaded.model]),
    ...describeUsage(loaded.usage),
    ...listTools(call),
    ...(role === 'failed' ? [describeEnd(exchanges.get(loaded.id))] : [loaded.stopReason ?? 'no stop reason']),
    ...(loaded.answer !== null && !loaded.complete ? ['cut off'] : []),
    ...(role === 'alternative' ? ['not continued'] : []),
    ...(call.retryOf === null ? [] : ['asked again']),
    ...describeChanges(call),
  ]
  return cleanText(facts.join('  '))
}

/** One call without the lane around it, for views that only grow. */
export function describeAlone(read: ReadTree, call: TreeCall, output: Pick<Output, 'columns' | 'useColour'>): string {
  const colours = pc.createColors(output.useColour)
  const role = call.call.answer === null ? 'failed' : 'step'
  const item: OutlineCall = { kind: 'call', call, role, lane: null }
  const width = Math.max(20, output.columns)
  const drawing = { exchanges: read.exchanges, colours, width, isOneModel: false, options: { all: true, evidence: false } }
  return paint(cutText(`${read.scope.name}  ${describeCall(item, drawing)}`, width), item, colours)
}

/** Context and what was written. */
function describeUsage(usage: Usage | null): string[] {
  if (usage === null) return []
  const written = usage.output ?? 0
  return [`${shorten(sumTokens(usage) - written)} → ${usage.output === null ? '?' : shorten(written)}`]
}

function shorten(count: number): string {
  if (count < 10_000) return count.toLocaleString('en-US')
  return count < 1e6 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`
}

function listTools(...calls: readonly TreeCall[]): string[] {
  const names = calls.flatMap(call =>
    (call.call.answerMessage?.blocks ?? []).flatMap(block => (block.kind === 'tool-call' ? [block.name] : [])),
  )
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  const shown = [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`))
  return shown.length === 0 ? [] : [shown.join(', ')]
}

function describeEnd(exchange: Exchange | undefined): string {
  const status = exchange?.status ?? null
  const outcome = exchange === undefined || exchange.outcome === 'complete' ? '' : exchange.outcome
  return [status === null ? 'no answer' : String(status), outcome].filter(word => word !== '').join(' ')
}

function describeChanges({ link, preambleChanged, loggedTimes }: TreeCall): string[] {
  const counts = new Map<string, number>()
  for (const { kind } of link.edits) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [
    ...(preambleChanged && !beginsOtherwise.has(link.relation) ? ['other system text or tools'] : []),
    ...(loggedTimes > 1 ? [`logged ${loggedTimes} times`] : []),
    ...[...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)),
  ]
}

function describeFold({ calls }: OutlineFold): string {
  const tokens = calls.reduce((sum, call) => sum + (call.call.usage?.output ?? 0), 0)
  return cleanText([`${calls.length} more calls`, ...listTools(...calls), `${shorten(tokens)} tokens written`].join('  '))
}

export function describeEvidence({ kind, value }: Evidence): string {
  return cleanText(`by ${kind} ${value}`)
}
