// Lines of JSON on the output of an agent's process. Whatever else it prints there is kept as output and never mistaken for a message.

import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

export interface LineHandlers {
  readonly onMessage: (message: Readonly<Record<string, unknown>>) => void
  /** Lines that are no JSON object. */
  readonly onText: (line: string) => void
  readonly onEnd: () => void
}

/** An honest message is smaller: an agent that writes one line for ever must not fill the memory. */
const lineCharsMax = 64 * 1024 * 1024

export function readLines(stdout: Readable, handlers: LineHandlers): void {
  const decoder = new StringDecoder('utf8')
  let rest: string[] = []
  let restChars = 0
  const take = (text: string): void => {
    const parts = text.split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      pass([...rest, part].join(''), handlers)
      rest = []
      restChars = 0
    }
    restChars += last.length
    if (restChars <= lineCharsMax) rest.push(last)
  }
  stdout.on('data', (bytes: Buffer) => take(decoder.write(bytes)))
  stdout.once('error', () => undefined)
  stdout.once('close', () => {
    if (restChars > 0) pass(rest.join(''), handlers)
    handlers.onEnd()
  })
  stdout.once('end', () => stdout.destroy())
}

function pass(line: string, handlers: LineHandlers): void {
  const text = line.trim()
  if (text === '') return
  let value: unknown = null
  try {
    value = text.startsWith('{') ? JSON.parse(text) : null
  } catch {
    value = null
  }
  if (typeof value === 'object' && value !== null) handlers.onMessage(value as Readonly<Record<string, unknown>>)
  else handlers.onText(line)
}
