import fc from 'fast-check'
import { expect, it } from 'vitest'
import { limitOutput, showChange } from '../../../runner/terminus/screen.ts'

const screen = 'the screen\n\n\n'

it('shows the screen at first, and whenever the new text does not continue the old', () => {
  const current = 'Current Terminal Screen:\nthe screen'
  expect(showChange(null, { whole: 'a\nb', screen })).toBe(current)
  expect(showChange('a\nb\n', { whole: 'other', screen })).toBe(current)
  expect(showChange('a\nb\n\n\n', { whole: 'a\nb\n\n', screen })).toBe(current)
  expect(showChange('\n\n', { whole: 'a\nb\n\n', screen })).toBe(current)
})

it('shows what is new, from the last line that was there before', () => {
  expect(showChange('old\n$\n\n\n', { whole: 'old\n$ ls\nfile\n$\n\n', screen })).toBe('New Terminal Output:\n$ ls\nfile\n$')
  expect(showChange('$', { whole: '$ ls', screen })).toBe('New Terminal Output:\n$ ls')
  expect(showChange('old\n$', { whole: 'lost\nold\n$ x', screen })).toBe('New Terminal Output:\n$ x')
})

it('limits what it shows to ten thousand bytes, half from each end', () => {
  const news = `$ x\n${'ab'.repeat(6_000)}end`
  const shown = showChange('$', { whole: news, screen })
  expect(shown).toMatch(
    /^New Terminal Output:\n\$ x\nabab[ab]+\n\[… 2007 bytes left out: only the first and last 5000 bytes are shown …\]\n[ab]+end$/,
  )
  expect(showChange(null, { whole: '', screen: 'x'.repeat(10_000) })).not.toContain('left out')
  expect(showChange(null, { whole: '', screen: 'x'.repeat(10_001) })).toContain('[… 1 bytes left out')
})

it('cuts between characters and counts what it cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀'), minLength: 30, maxLength: 80 }), text => {
      const shown = limitOutput(text, 20)
      const [, head = '', cut = '', tail = ''] = /^([^[]*)\n\[… (\d+) bytes.*\]\n(.*)$/.exec(shown) ?? []
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true)
      expect(Buffer.byteLength(head) + Number(cut) + Buffer.byteLength(tail)).toBe(Buffer.byteLength(text))
      expect(Math.min(Buffer.byteLength(head), Buffer.byteLength(tail))).toBeGreaterThan(6)
    }),
  )
})
