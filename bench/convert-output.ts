// What a converter's output holds, counted the same way for all of them: messages marked as generated, and of how many different answers.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { answerPattern } from './convert-sessions.ts'

export interface Flags {
  readonly rows: number
  /** Assistant messages marked as generated: each is one that a model is trained on. */
  readonly generations: number
  /** Different answers among them. */
  readonly answers: number
  /** Assistant messages in all, copies included. */
  readonly assistant: number
}

interface Row {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly generation?: boolean; readonly content?: unknown }>
}

export async function readFlags(file: string): Promise<Flags> {
  let [rows, generations, assistant] = [0, 0, 0]
  const answers = new Set<string>()
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line === '') continue
    rows += 1
    for (const { role, generation, content } of (JSON.parse(line) as Row).messages) {
      if (role !== 'assistant') continue
      assistant += 1
      if (generation !== true) continue
      generations += 1
      const number = answerPattern.exec(readText(content))?.[1]
      if (number !== undefined) answers.add(number)
    }
  }
  return { rows, generations, answers: answers.size, assistant }
}

function readText(content: unknown): string {
  if (typeof content === 'string') return content
  const [first] = Array.isArray(content) ? (content as Array<{ text?: string }>) : []
  return first?.text ?? ''
}
