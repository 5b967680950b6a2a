import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import type { ReadTree } from '../../cli/read-trees.ts'
import { createTreeScreen } from '../../cli/tree-follow.ts'
import { createTerminal } from '../report/terminal-screen.ts'

function open(columns: number, rows: number) {
  const terminal = createTerminal(columns)
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      terminal.take(chunk.toString())
      done()
    },
  })
  const sized = Object.assign(stream, { columns, rows })
  let lines: readonly string[] = []
  const screen = createTreeScreen(sized, (_, width) => lines.map(line => line.slice(0, width)))
  const show = (...next: string[]): string[] => {
    lines = next
    screen.show([] as ReadTree[])
    return terminal.lines()
  }
  return { show, screen, terminal, stream: sized }
}

const calls = (count: number): string[] => Array.from({ length: count }, (_, index) => `├ call ${index + 1}`)

it('draws over what it drew, the newest lines below what they are about', () => {
  const { show } = open(40, 7)
  expect(show()).toEqual(['no calls yet'])
  expect(show('session', ...calls(5))).toEqual(['session', ...calls(5)])
  expect(show('session', ...calls(6))).toEqual(['session', '⋮ 2 lines above', ...calls(6).slice(2)])
})

it('fits a window that has become narrower, and leaves all of it in the end', () => {
  const { show, screen, stream, terminal } = open(20, 5)
  show('session of a long name', ...calls(8))
  expect(terminal.lines()).toEqual(['session of a long na', '⋮ 6 lines above', '├ call 7', '├ call 8'])
  stream.columns = 8
  terminal.resize(8)
  stream.emit('resize')
  expect(terminal.lines().slice(-2)).toEqual(['├ call 7', '├ call 8'])
  screen.done()
  expect(terminal.lines().slice(-9)).toEqual(['session ', ...calls(8)].map(line => line.trimEnd()))
  expect(stream.listenerCount('resize')).toBe(0)
})
