// A reply in tags. Content is taken as it stands: what is typed into a shell is full of < and &, so nothing is unescaped. A reply
// that was cut off is salvaged up to the last command that the model has closed. Never throws.

import { type Keystrokes, type Reply, readDuration, refuse, settle, warnOfJoined } from './reply.ts'

export function parseXmlReply(text: string): Reply {
  const start = text.indexOf('<response>')
  if (start < 0) return refuse(['the reply holds no <response>'], [])
  const warnings = text.slice(0, start).trim() === '' ? [] : ['text before <response> was ignored']
  const list = readList(text, start, warnings)
  const close = text.indexOf('</response>', list.end)
  const cut = close < 0
  // Only beside the commands: keystrokes may hold anything.
  const outside = text.slice(start + '<response>'.length, list.start) + text.slice(list.end, cut ? undefined : close)
  if (!cut && text.slice(close + '</response>'.length).trim() !== '') warnings.push('text after </response> was ignored')
  warnings.push(...warnOfTags(list.closed ? outside : text.slice(start + '<response>'.length, list.start)))
  const complete = list.closed && /^(?:true|1|yes)$/i.test(readTag(outside, 'task_complete') ?? '')
  const { commands } = list
  const broken =
    list.closed || cut
      ? list.broken
      : [...list.broken, `<commands> or its <keystrokes> number ${commands.length + 1} is not closed`]
  if (cut) {
    if (commands.length === 0 && !complete) return refuse(['the reply ends before its first command is closed'], warnings)
    warnings.push(`the reply is not closed by </response>: commands run as far as they were closed: ${commands.length}`)
  }
  warnings.push(...warnOfJoined(commands))
  return settle({ commands, complete, warnings, errors: [] }, broken)
}

function warnOfTags(outside: string): string[] {
  const missing = ['analysis', 'plan'].filter(name => readTag(outside, name) === null).map(name => `there is no <${name}>`)
  const known = ['analysis', 'plan', 'task_complete']
  const rest = known.reduce((text, name) => text.replace(new RegExp(`<${name}>[\\s\\S]*?</${name}>`), ''), outside)
  const unknown = new Set([...rest.matchAll(/<([a-z_]{1,40})>/g)].map(match => match[1]))
  return [
    ...missing,
    ...[...unknown].filter(name => !known.includes(name ?? '')).map(name => `the tag <${name}> is unknown and was ignored`),
  ]
}

function readTag(text: string, name: string): string | null {
  const open = text.indexOf(`<${name}>`)
  const close = open < 0 ? -1 : text.indexOf(`</${name}>`, open)
  return close < 0 ? null : text.slice(open + name.length + 2, close).trim()
}

interface List {
  readonly commands: readonly Keystrokes[]
  readonly broken: readonly string[]
  /** The whole element. */
  readonly start: number
  readonly end: number
  readonly closed: boolean
}

/** Walks from command to command: what is typed may hold every tag but the one that ends it. */
function readList(text: string, from: number, warnings: string[]): List {
  const open = /<commands\s*(\/?)>/.exec(text.slice(from))
  if (open === null) return { commands: [], broken: ['the reply has no <commands>'], start: from, end: from, closed: true }
  const start = from + open.index
  let at = start + open[0].length
  const commands: Keystrokes[] = []
  const broken: string[] = []
  const leave = (end: number, closed: boolean): List => ({ commands, broken, start, end, closed })
  if (open[1] === '/') return leave(at, true)
  for (;;) {
    const next = /<keystrokes|<\/commands>/.exec(text.slice(at))
    const where = `command ${commands.length + 1}`
    if (next === null) return leave(at, false)
    const loose = text.slice(at, at + next.index)
    if (loose.trim() !== '') warnings.push('text between commands was ignored; only <keystrokes> are typed')
    at += next.index
    if (next[0] === '</commands>') return leave(at + next[0].length, true)
    const element = readElement(text, at)
    if (element === null) return leave(at, false)
    const { keystrokes, duration, end } = element
    if (keystrokes.includes('<keystrokes')) broken.push(`${where}: <keystrokes> is not closed before the next one begins`)
    commands.push({ keystrokes, durationSec: readDuration(duration, where, warnings) })
    at = end
  }
}

/** Null when it is not closed. */
function readElement(text: string, open: number): { keystrokes: string; duration: string | undefined; end: number } | null {
  const head = /^<keystrokes((?:\s+[\w-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/.exec(text.slice(open, open + 500))
  if (head === null) return null
  const duration = /duration\s*=\s*["']([^"']*)["']/.exec(head[1] ?? '')?.[1]
  const from = open + head[0].length
  if (head[2] === '/') return { keystrokes: '', duration, end: from }
  const close = text.indexOf('</keystrokes>', from)
  return close < 0 ? null : { keystrokes: text.slice(from, close), duration, end: close + '</keystrokes>'.length }
}
