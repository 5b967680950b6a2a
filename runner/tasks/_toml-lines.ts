// Finds the line of each key of a TOML text, for messages: the parser gives values without places. Reads headers and the starts of
// lines only; a text it does not understand costs a line number, never a value.

/** Paths such as `environment.cpus` and `steps[0].agent.timeout_sec` -> 1-based line. */
export function locateKeys(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  const counts = new Map<string, number>()
  const note = (path: string, line: number): void => {
    if (!lines.has(path)) lines.set(path, line)
  }
  let scope = ''
  let open: Open = { quote: null, depth: 0 }
  for (const [index, line] of text.split('\n').entries()) {
    const inside = open.quote !== null || open.depth > 0
    const header = inside ? null : /^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)
    if (header) {
      scope = openScope(splitKey(header[2] ?? ''), header[1] === '[[', counts)
      note(scope, index + 1)
      continue
    }
    const key = inside ? null : /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(line)
    if (key) {
      const path = [...(scope === '' ? [] : [scope]), ...splitKey(key[1] ?? '')].join('.')
      note(path, index + 1)
      open = follow(line.slice(key[0].length), open)
    } else open = follow(line, open)
  }
  return lines
}

/** A value that goes on over the end of the line. */
interface Open {
  readonly quote: string | null
  readonly depth: number
}

const splitKey = (text: string): string[] =>
  [...text.matchAll(/"([^"]*)"|'([^']*)'|([^.\s"']+)/g)].map(match => match[1] ?? match[2] ?? match[3] ?? '')

/** Names below a list of tables belong to its newest member. */
function openScope(parts: readonly string[], isList: boolean, counts: Map<string, number>): string {
  let scope = ''
  for (const [index, part] of parts.entries()) {
    const path = scope === '' ? part : `${scope}.${part}`
    const last = index === parts.length - 1
    if (last && isList) counts.set(path, (counts.get(path) ?? 0) + 1)
    const count = counts.get(path)
    scope = count === undefined ? path : `${path}[${count - 1}]`
  }
  return scope
}

const tokens = /"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|#.*|[[\]{}]/g

/** Where a value stands at the end of a piece of a line. Strings of one line end with it, whatever they hold. */
function follow(text: string, from: Open): Open {
  if (from.quote !== null) {
    const end = findEnd(text, from.quote)
    return end === -1 ? from : follow(text.slice(end + from.quote.length), { ...from, quote: null })
  }
  let depth = from.depth
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '"""' || token === "'''") return follow(text.slice(index + 3), { quote: token, depth })
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth = Math.max(depth - 1, 0)
  }
  return { quote: null, depth }
}

function findEnd(text: string, quote: string): number {
  if (quote === "'''") return text.indexOf(quote)
  return /^(?:\\.|[^\\])*?(?=""")/s.exec(text)?.[0].length ?? -1
}
