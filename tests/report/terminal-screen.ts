// The few things a terminal does with what the live view writes: a screen of lines, a cursor, modes. Unknown sequences are an error.

const sequences = new RegExp(`${String.fromCharCode(27)}\\[([?0-9;]*)([A-Za-z])|[\\s\\S]`, 'gu')

export interface Terminal {
  readonly take: (text: string) => void
  /** Without what is empty at the end. */
  readonly lines: () => string[]
  readonly modes: () => Record<string, boolean>
  readonly taken: () => number
  /** Breaks lines that are too wide now, as terminals do that reflow. */
  readonly resize: (width: number) => void
}

export function createTerminal(columns: number): Terminal {
  let width = columns
  let lines: string[] = ['']
  let [row, column, taken] = [0, 0, 0]
  const modes: Record<string, boolean> = { '?7': true, '?2026': false }
  const put = (letter: string): void => {
    if (column >= width) {
      if (modes['?7'] === true) throw new Error(`line ${row} goes on in the next one: ${lines[row]}`)
      column = width - 1
    }
    const line = (lines[row] ?? '').padEnd(column)
    lines[row] = line.slice(0, column) + letter + line.slice(column + 1)
    column += 1
  }
  const control = (parameters: string, final: string): void => {
    if (final === 'A') row -= Number(parameters || 1)
    // Without wrapping the cursor stands on the last letter of a full line.
    else if (final === 'K') lines[row] = (lines[row] ?? '').slice(0, Math.min(column, width - 1))
    else if (final === 'J') lines = [...lines.slice(0, row), (lines[row] ?? '').slice(0, column)]
    else if (final === 'h' || final === 'l') modes[parameters] = final === 'h'
    else if (final !== 'm') throw new Error(`unknown sequence ${parameters}${final}`)
    if (row < 0) throw new Error('above the screen')
  }
  return {
    take: text => {
      taken += text.length
      for (const [part, parameters, final] of text.matchAll(sequences)) {
        if (final !== undefined) control(parameters ?? '', final)
        else if (part === '\r') column = 0
        else if (part === '\n') {
          row += 1
          column = 0
          lines[row] ??= ''
        } else put(part)
      }
    },
    lines: () => lines.slice(0, lines.findLastIndex(line => line !== '') + 1).map(line => line.trimEnd()),
    modes: () => ({ ...modes }),
    taken: () => taken,
    resize: columns => {
      width = columns
      const above = lines.slice(0, row)
      const broken = above.flatMap(line => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''])
      lines = [...broken, ...lines.slice(row)]
      row = broken.length
    },
  }
}
