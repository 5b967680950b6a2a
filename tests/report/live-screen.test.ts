import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { createScreen } from '../../report/live-screen.ts'
import { createTerminal } from './terminal-screen.ts'

function open(width: number, height: number) {
  const terminal = createTerminal(width)
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      terminal.take(chunk.toString())
      done()
    },
  })
  const sized = Object.assign(stream, { columns: width, rows: height })
  return { terminal, stream: sized, screen: createScreen(sized) }
}

it('draws over what it drew, with lasting lines above', () => {
  const { terminal, screen } = open(20, 10)
  screen.draw(['one', 'two', 'three'])
  screen.draw(['1', '2'])
  expect(terminal.lines()).toEqual(['1', '2'])
  screen.print(['for good'], ['4', '5', '6'])
  screen.draw(['7'])
  expect(terminal.lines()).toEqual(['for good', '7'])
  screen.print([], [])
  expect(terminal.lines()).toEqual(['for good'])
})

it('keeps the last letter of a line that is as wide as the screen', () => {
  const { terminal, screen } = open(5, 10)
  screen.draw(['12345', 'abcde'])
  screen.draw(['12345', 'ABCDE'])
  expect(terminal.lines()).toEqual(['12345', 'ABCDE'])
})

it('leaves wrapping and drawing as a whole as they were, and hides no cursor', () => {
  const { terminal, screen } = open(20, 10)
  screen.draw(['one'])
  screen.print(['two'], [])
  expect(terminal.modes()).toEqual({ '?7': true, '?2026': false })
})

it('writes nothing where nothing has changed', () => {
  const { terminal, screen } = open(20, 10)
  screen.draw(['one'])
  const before = terminal.taken()
  screen.draw(['one'])
  expect(terminal.taken()).toBe(before)
})

it('takes a screen that nobody knows the size of for an ordinary one', () => {
  expect(open(0, 0).screen.size()).toEqual({ width: 80, height: 23 })
  expect(open(100, 1).screen.size()).toEqual({ width: 100, height: 1 })
})

it('goes up over lines that a narrower terminal has broken', () => {
  const { terminal, stream, screen } = open(10, 20)
  screen.print(['kept'], ['0123456789', 'short'])
  terminal.resize(5)
  stream.columns = 5
  screen.draw(['new'])
  expect(terminal.lines()).toEqual(['kept', 'new'])
})
