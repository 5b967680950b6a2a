import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../report/markdown.ts'
import { renderTerminal } from '../../report/terminal.ts'
import { buildSample } from './sample-run.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour is what is looked for
const colorCode = /\u001b\[/

describe('the report', () => {
  it('warns before any number about what is not scored, not priced, and run only once', () => {
    expect(buildSample().warnings).toEqual([
      '2 of 16 planned turns are not scored (2 infrastructure, 0 missing, 0 skipped); bounds show what they could change',
      '2 of 12 calls have no price (model-b-20260101): costs are lower bounds',
      'only 2 tasks: intervals are wide or absent, and a difference between agents may be chance',
      'mini: one trial per task; repeated trials of one agent can differ by several points',
      'other: one trial per task; repeated trials of one agent can differ by several points',
    ])
  })

  it('shows policy settings that make numbers comparable, and no paths', () => {
    expect(buildSample().identity.policy).toEqual({ attempts: '2', feedback: 'minimal', onFailure: 'continue' })
  })

  it('lists the failing tests of the last attempt only', () => {
    expect(buildSample().failures.map(failure => [failure.trial, failure.turn, failure.tests.map(test => test.name)])).toEqual([
      ['ledger.mini.1', 3, ['rounds cents']],
      ['ledger.other.1', 2, ['<script>\u001b[2Jevil\u202e']],
      ['parser.other.1', 3, []],
      ['parser.other.1', 4, []],
    ])
  })

  it('survives JSON and gives the same bytes again', () => {
    const data = buildSample()
    expect(JSON.parse(JSON.stringify(data))).toEqual(data)
    expect(renderMarkdown(JSON.parse(JSON.stringify(data)))).toBe(renderMarkdown(buildSample()))
  })

  it('says loudly that a run was simulated, and only then', () => {
    for (const render of [
      renderMarkdown,
      (data: ReturnType<typeof buildSample>) => renderTerminal(data, { width: 100, color: false }),
    ]) {
      expect(render(buildSample({ simulated: true }))).toContain('SIMULATED')
      expect(render(buildSample())).not.toContain('SIMULATED')
    }
  })
})

describe('the terminal view', () => {
  it('is the golden file', async () => {
    await expect(renderTerminal(buildSample({ simulated: true }), { width: 120, color: false })).toMatchFileSnapshot(
      '../fixtures/golden/report.terminal.txt',
    )
  })

  it.each([80, 100, 140])('fits a terminal of %i columns', width => {
    const text = renderTerminal(buildSample(), { width, color: false })
    const longest = Math.max(...text.split('\n').map(line => line.length))
    expect(longest).toBeLessThanOrEqual(width)
  })

  it('has colour only when told to, and the same words either way', () => {
    const plain = renderTerminal(buildSample(), { width: 100, color: false })
    const colored = renderTerminal(buildSample(), { width: 100, color: true })
    expect(plain).not.toMatch(colorCode)
    expect(colored).toMatch(colorCode)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour is what is taken out
    expect(colored.replaceAll(/\u001b\[[0-9;]*m/g, '')).toBe(plain)
  })

  it('lets no control sequence of a test name reach the screen', () => {
    const text = renderTerminal(buildSample(), { width: 100, color: false })
    expect(text).not.toMatch(/\p{Cc}(?<!\n)/u)
    expect(text).not.toContain('\u202e')
  })
})

describe('the Markdown view', () => {
  it('is the golden file', async () => {
    await expect(renderMarkdown(buildSample())).toMatchFileSnapshot('../fixtures/golden/report.md')
  })

  it('keeps tables whole and foreign HTML dead', () => {
    const text = renderMarkdown(buildSample())
    expect(text).not.toContain('<script>')
    expect(text).toContain('expected 10 \\| got 11')
    for (const block of text.split('\n\n').filter(block => block.startsWith('|'))) {
      const widths = new Set(block.split('\n').map(line => line.replaceAll('\\|', '').split('|').length))
      expect(widths.size).toBe(1)
    }
  })
})
