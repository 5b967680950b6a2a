// "Did you mean …?": the known word nearest to a mistyped one. Pure. Used by every message that names an unknown key, agent,
// model, format or command; it never guesses when nothing is near.

/** The known word nearest to `wanted` by edit distance, or null when none is near enough to be a slip of the fingers. */
export function suggest(wanted: string, known: Iterable<string>): string | null {
  const reach = Math.max(1, Math.floor(wanted.length / 3))
  let best: string | null = null
  let bestDistance = reach + 1
  for (const word of known) {
    const distance = sameButForm(wanted, word) ? 0 : editDistance(wanted.toLowerCase(), word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** `; did you mean "concurrency"?`, or nothing: to be put at the end of a message. */
export function didYouMean(wanted: string, known: Iterable<string>): string {
  const near = suggest(wanted, known)
  return near === null ? '' : `; did you mean "${near}"?`
}

/** `timeoutMs`, `timeout-ms` and `timeout_ms` are one word to a person. */
function sameButForm(a: string, b: string): boolean {
  return a.replaceAll(/[-_ ]/g, '').toLowerCase() === b.replaceAll(/[-_ ]/g, '').toLowerCase()
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), each counted once. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
