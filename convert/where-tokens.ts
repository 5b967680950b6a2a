// The words of a `--where` expression, each with its place. Pure; what they mean together is where.ts.

export interface WhereToken {
  readonly kind: 'word' | 'text' | 'sign' | '(' | ')'
  /** Of a quoted text: what stands between the quotes. */
  readonly text: string
  /** 0-based. */
  readonly at: number
}

const pattern = /\s*(?:([<>!=~]+)|([()])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s()<>!=~"']+))/y

export function readTokens(text: string, fail: (at: number, problem: string) => never): WhereToken[] {
  const tokens: WhereToken[] = []
  const end = text.trimEnd().length
  pattern.lastIndex = 0
  for (let from = 0; from < end; from = pattern.lastIndex) {
    pattern.lastIndex = from
    const match = pattern.exec(text)
    if (match === null) return fail(from + text.slice(from).search(/\S/), 'a quote is not closed')
    const [whole, sign, parenthesis, double, single, word] = match
    const at = from + whole.search(/\S/)
    const quoted = double ?? single
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at })
    else if (parenthesis === '(' || parenthesis === ')') tokens.push({ kind: parenthesis, text: parenthesis, at })
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replaceAll(/\\(.)/gs, '$1'), at })
    else tokens.push({ kind: 'word', text: word ?? '', at })
  }
  return tokens
}
