// The parts of a tree put together again: for each call, the steps from a beginning to its answer.

import { joinTexts } from '../../../convert/blocks.ts'
import type { Trajectory, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Block, Message } from '../../../core/types.ts'

export interface Path {
  readonly callId: string
  readonly system: Trajectory['system']
  readonly tools: Trajectory['tools']
  /** Blocks of the context and the answer, each with its role, texts of an answer in a row as one. */
  readonly words: readonly string[]
}

/** What `calls` rows say, by call. */
export function listRows(rows: readonly Trajectory[]): Map<string, Path> {
  return new Map(rows.map(row => [row.id, writePath(row, row.id, row.steps)]))
}

export function listPaths(parts: readonly Trajectory[]): Map<string, Path> {
  const byId = new Map(parts.map(part => [part.id, part]))
  if (byId.size !== parts.length) throw new Error('two parts of one id')
  const readBefore = (part: Trajectory): TrajectoryStep[] => {
    const joint = part.parent?.continuesAt
    if (joint === undefined) return []
    const before = byId.get(joint.trajectoryId)
    if (before === undefined) throw new Error(`${part.id} continues ${joint.trajectoryId}, which is no part`)
    return [...readBefore(before), ...before.steps.slice(0, joint.steps)]
  }
  const paths = new Map<string, Path>()
  for (const part of parts) {
    const before = readBefore(part)
    for (const [index, { generation }] of part.steps.entries())
      if (generation !== null)
        paths.set(generation.callId, writePath(part, generation.callId, [...before, ...part.steps.slice(0, index + 1)]))
  }
  return paths
}

function writePath({ system, tools }: Trajectory, callId: string, steps: readonly TrajectoryStep[]): Path {
  const joined: Message[] = []
  for (const { message } of steps) {
    const last = joined.at(-1)
    if (last?.role === 'assistant' && message.role === 'assistant')
      joined[joined.length - 1] = { role: 'assistant', blocks: [...last.blocks, ...message.blocks] }
    else joined.push(message)
  }
  const words = joined.flatMap(message => joinTexts(message).map(block => `${message.role} ${writeBlock(block)}`))
  return { callId, system, tools, words: words.filter(word => word !== 'assistant ') }
}

function writeBlock(block: Block): string {
  if (block.kind === 'text') return block.text
  if (block.kind === 'tool-call') return `call ${block.id} ${block.name} ${JSON.stringify(sortKeys(block.input))}`
  const { extra: _, wire: __, ...said } = block
  return JSON.stringify(said.kind === 'tool-result' ? { ...said, content: said.content.map(writeBlock) } : said)
}

function sortKeys(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
