// The words of `turnpike convert` and `turnpike tree` that choose what is taken, read and checked. Pure; errors name the flag.

import { everything, type Selection, type TurnRange } from '../convert/select.ts'
import { parseSplit, type Split } from '../convert/split.ts'
import { parseWhere } from '../convert/where.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { OptionSpec } from './commands/_command.ts'

type Options = Readonly<Record<string, unknown>>

export const selectionOptions: readonly OptionSpec[] = [
  { flags: '--run <run>', meaning: 'Only trials of this run.' },
  { flags: '--trial <trial>', meaning: 'Only this trial.' },
  { flags: '--agent <names>', meaning: 'Only scopes of these agents, separated by commas.' },
  { flags: '--where <expression>', meaning: 'Only scopes for which it holds: \'score>=1 and not (task ~ "web-*" or turns<3)\'.' },
  { flags: '--turn <turns>', meaning: 'Only answers of these turns, as 2..4, 3.. or 1,5; the others stay as context.' },
  { flags: '--model <names>', meaning: 'Only answers of these models, separated by commas; * stands for any characters.' },
  {
    flags: '--since <time>',
    meaning: 'Only answers to calls that began then or later: 2026-01-31, 2026-01-31T10:00, or 2h, 3d ago.',
  },
  { flags: '--until <time>', meaning: 'Only answers to calls that began before that.' },
]

export function readSelection(options: Options, now: number): Selection {
  const read = <T>(name: string, parse: (text: string) => T): T | null => {
    const text = readText(options[name])
    return text === null ? null : parse(text)
  }
  return {
    ...everything,
    turns: read('turn', parseTurns),
    agents: read('agent', text => listWords('--agent', text)),
    models: read('model', text => listWords('--model', text)),
    since: read('since', text => parseTime('--since', text, now)),
    until: read('until', text => parseTime('--until', text, now)),
    where: read('where', parseWhere),
  }
}

export function readSplit(options: Options): Split | null {
  const text = readText(options['split'])
  const by = readText(options['by']) === 'session' ? 'session' : 'task'
  if (text === null) {
    for (const name of ['by', 'seed'])
      if (options[name] !== undefined)
        throw usage(`--${name} says how to split, and nothing is split`, 'add --split train=0.9,test=0.1')
    return null
  }
  return { parts: parseSplit(text), by, seed: readText(options['seed']) ?? '0' }
}

/** `2..4`, `3..`, `..2`, `5`, and several of them with commas. */
export function parseTurns(text: string): readonly TurnRange[] {
  return text.split(',').map((word): TurnRange => {
    const match = /^\s*(\d+)?(\.\.)?(\d+)?\s*$/.exec(word)
    const [from, dots, to] = [match?.[1], match?.[2], match?.[3]]
    if ((from === undefined && to === undefined) || (dots === undefined && to !== undefined))
      throw usage(`--turn does not know "${word.trim()}"`, 'write turns as 3, 2..4, 3.. or ..2, several with commas')
    const range = { from: from === undefined ? null : Number(from), to: to === undefined ? null : Number(to) }
    if (range.from !== null && range.to !== null && range.from > range.to)
      throw usage(`--turn ${word.trim()} ends before it begins`, `write ${range.to}..${range.from}`)
    return dots === undefined ? { from: range.from, to: range.from } : range
  })
}

const ago: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Without a time zone it is UTC, as every time that Turnpike prints. */
export function parseTime(flag: string, text: string, now: number): number {
  const past = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(text.trim())
  if (past !== null) return now - Number(past[1]) * (ago[past[2] ?? ''] ?? 0)
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text.trim())
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? 'Z'}`)
  if (Number.isNaN(time))
    throw usage(`${flag} does not know the time "${text}"`, 'write 2026-01-31, 2026-01-31T10:00, or 30m, 2h, 3d ago')
  return time
}

function listWords(flag: string, text: string): readonly string[] {
  const words = text.split(',').map(word => word.trim())
  if (words.includes('')) throw usage(`${flag} "${text}" holds an empty name`, `write ${flag} one,other`)
  return words
}

export function readWorkers(options: Options): number | null {
  const text = readText(options['workers'])
  if (text === null) return null
  const workers = Number(text)
  if (!Number.isInteger(workers) || workers < 1 || workers > 256)
    throw usage(`--workers ${text} is no number of threads`, 'write a number from 1 to 256')
  return workers
}

export function readText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function usage(message: string, hint: string): TurnpikeError {
  return new TurnpikeError('E_USAGE', message, { hint })
}
