// The moving lines at the bottom of a terminal: drawn over one another, with lasting lines written above them. Knows cursor and width of
// the stream, nothing of what is drawn. Never leaves the terminal in another mode than it was.

import { stripVTControlCharacters } from 'node:util'
import { widthOf } from './text-width.ts'

export type ScreenStream = NodeJS.WritableStream & {
  readonly columns?: number
  readonly rows?: number
  readonly writableNeedDrain?: boolean
}

export interface LiveScreen {
  readonly size: () => { readonly width: number; readonly height: number }
  /** Puts these in the place of the lines drawn before. Skipped while the terminal is behind. */
  readonly draw: (lines: readonly string[]) => void
  /** Lasting lines above the moving ones, which are drawn again below. */
  readonly print: (lines: readonly string[], moving: readonly string[]) => void
}

/** Draw as a whole; cut at the edge instead of going on in the next line. */
const [begin, end] = ['\u001b[?2026h\u001b[?7l', '\u001b[?7h\u001b[?2026l']

export function createScreen(stream: ScreenStream): LiveScreen {
  let drawn: readonly string[] = []
  // A terminal whose size nobody has told says 0.
  const width = (): number => stream.columns || 80
  const height = (): number => stream.rows || 24
  const show = (lasting: readonly string[], moving: readonly string[]): void => {
    // Each line is emptied before it is written: emptied after it, a full one would lose its last letter.
    const text = [...lasting, ...moving].map(line => `\u001b[K${line}\n`).join('')
    stream.write(`${begin}${upOver(drawn, width(), height())}${text}\u001b[J${end}`)
    drawn = [...moving]
  }
  return {
    // The cursor stands in a line of its own below.
    size: () => ({ width: width(), height: Math.max(1, height() - 1) }),
    draw: moving => {
      const isSame = moving.length === drawn.length && moving.every((line, index) => line === drawn[index])
      if (isSame || stream.writableNeedDrain === true) return
      show([], moving)
    },
    print: show,
  }
}

/** Back to where the moving lines begin; a terminal that became narrower has broken them into more lines. */
function upOver(lines: readonly string[], width: number, height: number): string {
  const rows = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / width)), 0)
  const up = Math.min(rows, height - 1)
  return up <= 0 ? '' : `\r\u001b[${up}A`
}
