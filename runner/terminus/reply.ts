// What the loop of `terminus` needs from a model's reply, whatever form it was written in, and the reading of the parts that
// both forms share. Pure; never runs anything.

export interface Keystrokes {
  readonly keystrokes: string
  /** How long to wait for their effect. */
  readonly durationSec: number
}

/** With errors there is nothing to run: `commands` is empty and `complete` false. */
export interface Reply {
  readonly commands: readonly Keystrokes[]
  readonly complete: boolean
  /** What was tolerated or repaired, to be told to the model. */
  readonly warnings: readonly string[]
  readonly errors: readonly string[]
}

export const defaultDurationSec = 1

export function refuse(errors: readonly string[], warnings: readonly string[]): Reply {
  return { commands: [], complete: false, warnings, errors }
}

/** A reply that says it is done but spoils its commands is believed to be done: the model will be asked once more anyway. */
export function settle(reply: Reply, broken: readonly string[]): Reply {
  if (broken.length === 0) return reply
  if (!reply.complete) return refuse(broken, reply.warnings)
  return { commands: [], complete: true, warnings: [...reply.warnings, ...broken], errors: [] }
}

/** Keys that are no text, as tmux names them: nobody ends them with a line break. */
const keyName =
  /^(?:[CMS]-)*(?:.|Enter|Escape|Tab|BTab|Space|BSpace|Up|Down|Left|Right|Home|End|PageUp|PageDown|PgUp|PgDn|IC|DC|F\d{1,2})$/

/** Typed on one line by accident: the next keystrokes go on where these end. */
export function warnOfJoined(commands: readonly Keystrokes[]): string[] {
  return commands.slice(0, -1).flatMap(({ keystrokes }, index) => {
    if (keystrokes === '' || /[\n\r]$/.test(keystrokes) || keyName.test(keystrokes)) return []
    return [`command ${index + 1} does not end with a line break: command ${index + 2} was typed on the same line`]
  })
}

/** `where` begins the warning, such as "command 2". */
export function readDuration(value: unknown, where: string, warnings: string[]): number {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0) return seconds
  const what = value === undefined ? 'no duration' : 'a duration that is no number from 0'
  warnings.push(`${where} has ${what}; waited ${defaultDurationSec.toFixed(1)} s`)
  return defaultDurationSec
}
