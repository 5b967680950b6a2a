// A reply in JSON, as models really write it: with talk around it, fences, fields in the wrong order, the last braces missing.
// Whole or nothing: a list of commands that the model itself has not closed is never run. Never throws.

import { findObject, isRecord, type JsonFind } from './json-text.ts'
import { type Keystrokes, type Reply, readDuration, refuse, settle, warnOfJoined } from './reply.ts'

const fields = ['analysis', 'plan', 'commands', 'task_complete'] as const
const required = ['analysis', 'plan', 'commands'] as const
const commandFields = ['keystrokes', 'duration'] as const

export function parseJsonReply(text: string): Reply {
  const found = findObject(text, fields)
  if (found === null) return refuse(['the reply holds no JSON object'], [])
  if (found.problem !== null) return refuse([found.problem], [])
  return readReply(found)
}

function readReply({ value, warnings: tolerated }: Extract<JsonFind, { readonly problem: null }>): Reply {
  const warnings = [...tolerated, ...warnOfFields(value)]
  const errors = required.filter(name => !Object.hasOwn(value, name)).map(name => `the field "${name}" is missing`)
  const complete = readComplete(value['task_complete'], warnings)
  const broken: string[] = []
  const commands = Object.hasOwn(value, 'commands') ? readCommands(value['commands'], { warnings, broken }) : []
  if (errors.length > 0 && !(complete && errors.every(error => error.includes('"commands"')))) {
    return refuse([...errors, ...broken], warnings)
  }
  warnings.push(...warnOfJoined(commands))
  return settle({ commands, complete, warnings, errors: [] }, [...errors, ...broken])
}

function warnOfFields(value: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(value)
  const known = names.filter(name => (fields as readonly string[]).includes(name))
  const inOrder = fields.filter(name => known.includes(name))
  return [
    ...names
      .filter(name => !known.includes(name))
      .map(name => `the field ${JSON.stringify(name.slice(0, 60))} is unknown and was ignored`),
    ...(known.join() === inOrder.join() ? [] : [`the fields should come in the order ${fields.join(', ')}`]),
    ...(['analysis', 'plan'] as const)
      .filter(name => Object.hasOwn(value, name) && typeof value[name] !== 'string')
      .map(name => `the field "${name}" should be a text`),
  ]
}

function readComplete(value: unknown, warnings: string[]): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true
  if (typeof value === 'string') return ['true', '1', 'yes'].includes(value.trim().toLowerCase())
  warnings.push('the field "task_complete" should be true or false; taken for false')
  return false
}

interface Notes {
  readonly warnings: string[]
  readonly broken: string[]
}

function readCommands(list: unknown, notes: Notes): Keystrokes[] {
  if (!Array.isArray(list)) {
    notes.broken.push('the field "commands" must be a list')
    return []
  }
  return list.flatMap((entry: unknown, index) => readCommand(entry, `command ${index + 1}`, notes))
}

function readCommand(entry: unknown, where: string, { warnings, broken }: Notes): Keystrokes[] {
  if (!isRecord(entry)) {
    broken.push(`${where} must be an object`)
    return []
  }
  const { keystrokes } = entry
  if (typeof keystrokes !== 'string') {
    broken.push(`${where} ${keystrokes === undefined ? 'has no "keystrokes"' : 'has "keystrokes" that are no text'}`)
    return []
  }
  for (const name of Object.keys(entry).filter(key => !(commandFields as readonly string[]).includes(key)))
    warnings.push(`${where} has the unknown field ${JSON.stringify(name.slice(0, 60))}, which was ignored`)
  return [{ keystrokes, durationSec: readDuration(entry['duration'], where, warnings) }]
}
