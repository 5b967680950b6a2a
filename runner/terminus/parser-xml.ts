// A reply in tags. Content is taken as it stands: what is typed into a shell is full of < and &, so nothing is unescaped. A reply
// that was cut off is salvaged up to the last command that the model has closed. Never throws.

import { type Keystrokes, type Reply, readDuration, refuse, settle, warnOfJoined } from './reply.ts'

export function parseXmlReply(text: string): Reply {
  const start = text.indexOf('<response>')
  if (start < 0) return refuse(['the reply holds no <response>'], [])
  const close = text.indexOf('</response>', start)
  const cut = close < 0
  const body = text.slice(start + '<response>'.length, cut ? undefined : close)
  const warnings: string[] = []
  if (text.slice(0, start).trim() !== '') warnings.push('text before <response> was ignored')
  if (!cut && text.slice(close + '</response>'.length).trim() !== '') warnings.push('text after </response> was ignored')
  const { inside, outside, problem } = splitCommands(body, cut)
  warnings.push(...warnOfTags(outside))
  const complete = /^(?:true|1|yes)$/i.test(readTag(outside, 'task_complete') ?? '')
  if (problem !== null) return settle({ commands: [], complete, warnings, errors: [] }, [problem])
  const { commands, broken } = readCommands(inside, cut, warnings)
  if (cut) {
    if (commands.length === 0 && !complete) return refuse(['the reply ends before its first command is closed'], warnings)
    warnings.push(`the reply is not closed by </response>: commands run as far as they were closed: ${commands.length}`)
  }
  warnings.push(...warnOfJoined(commands))
  return settle({ commands, complete, warnings, errors: [] }, broken)
}

interface Split {
  readonly inside: string
  /** Everything beside the commands, where other tags are looked for: keystrokes may hold anything. */
  readonly outside: string
  readonly problem: string | null
}

function splitCommands(body: string, cut: boolean): Split {
  const open = body.indexOf('<commands>')
  if (open < 0) {
    if (/<commands\s*\/>/.test(body)) return { inside: '', outside: body, problem: null }
    return { inside: '', outside: body, problem: 'the reply has no <commands>' }
  }
  const from = open + '<commands>'.length
  const close = body.lastIndexOf('</commands>')
  if (close >= from) {
    return {
      inside: body.slice(from, close),
      outside: body.slice(0, open) + body.slice(close + '</commands>'.length),
      problem: null,
    }
  }
  const outside = body.slice(0, open)
  return { inside: body.slice(from), outside, problem: cut ? null : '<commands> is not closed' }
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

function readCommands(inside: string, cut: boolean, warnings: string[]): { commands: Keystrokes[]; broken: string[] } {
  const commands: Keystrokes[] = []
  const broken: string[] = []
  for (let at = 0; ; ) {
    const open = inside.indexOf('<keystrokes', at)
    // Behind the last command of a reply that was cut there may be half a tag.
    if (!(cut && open < 0) && inside.slice(at, open < 0 ? undefined : open).trim() !== '')
      warnings.push('text between commands was ignored; only <keystrokes> are typed')
    if (open < 0) return { commands, broken }
    const where = `command ${commands.length + 1}`
    const element = readElement(inside, open)
    if (element === null) return { commands, broken: cut ? broken : [...broken, `${where}: <keystrokes> is not closed`] }
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
