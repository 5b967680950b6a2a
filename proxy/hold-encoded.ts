// The hold for streams the upstream compressed: reads along through a decoder to find the terminal event, while the agent gets
// the compressed bytes untouched. A chunk passes once it is known not to carry the terminal event.

import { createDecoder } from '../core/encodings.ts'
import { createHold } from './hold.ts'

export interface EncodedHold {
  /** Calls back in order, once per chunk: true = it (or one before it) carries the terminal event. */
  readonly push: (chunk: Buffer, judged: (terminal: boolean) => void) => void
  readonly close: () => void
}

/** Null for encodings that cannot be read; then nothing is held but the end of the connection. */
export function createEncodedHold(marks: readonly string[], encoding: string): EncodedHold | null {
  const decoder = createDecoder(encoding)
  if (decoder === null || marks.length === 0) return null
  const plain = createHold(marks)
  let readable = true
  const waiting: Array<(terminal: boolean) => void> = []
  const judgeNext = (): void => waiting.shift()?.(plain.terminal())
  decoder.on('data', (bytes: Buffer) => plain.push(bytes))
  decoder.on('error', () => {
    readable = false // not what it claimed to be: the agent will find out itself, we only stop looking
    while (waiting.length > 0) judgeNext()
  })
  return {
    push: (chunk, judged) => {
      if (!readable || (plain.terminal() && waiting.length === 0)) return judged(plain.terminal())
      waiting.push(judged)
      decoder.write(chunk, error => error || judgeNext())
    },
    close: () => void decoder.destroy(),
  }
}
