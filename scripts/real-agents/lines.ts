// One agent process for all turns that takes a prompt as a line of JSON on standard input and ends each turn with a line of its own.

import type { AcpConversation } from './acp.ts'
import type { Drive } from './agents/_agent.ts'
import { killGroup, type Started, start } from './processes.ts'

type Lines = Extract<Drive, { kind: 'lines' }>

export function openLines(started: Started, { line, endsTurn }: Lines, timeoutMs: number): AcpConversation {
  const child = start(started)
  let output = ''
  let rest = ''
  let settle: (exit: number | null) => void = () => undefined
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    const lines = (rest + bytes.toString()).split('\n')
    rest = lines.pop() ?? ''
    if (lines.some(endsTurn)) settle(0)
  })
  child.stderr.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
  child.stdin.on('error', () => undefined)
  child.on('error', () => settle(null))
  child.on('exit', () => settle(null))
  return {
    turn: async prompt => {
      const startedAt = Date.now()
      let timedOut = false
      const exit = await new Promise<number | null>(resolve => {
        const timer = setTimeout(() => {
          timedOut = true
          resolve(null)
        }, timeoutMs)
        settle = code => {
          clearTimeout(timer)
          resolve(code)
        }
        if (child.exitCode !== null) return settle(null)
        child.stdin.write(`${line(prompt)}\n`)
      })
      return { exit, timedOut, output, ms: Date.now() - startedAt }
    },
    close: () => killGroup(child),
  }
}
