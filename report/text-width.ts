// How many columns of a terminal a text takes, and texts cut to a number of columns. Pure; escape sequences are not understood: paint
// what was cut, never cut what was painted.

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** First and last code point of what East Asian Width calls wide or fullwidth, emoji aside. */
const wideRanges: ReadonlyArray<readonly [first: number, last: number]> = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
]

const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

export function widthOf(text: string): number {
  if (isPlain(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += widthOfSegment(segment)
  return width
}

function widthOfSegment(segment: string): number {
  if (/^[\p{Cc}\p{Cf}\p{Cs}\p{Mn}\p{Me}\u2028\u2029]/u.test(segment)) return 0
  if (/^\p{Emoji_Presentation}/u.test(segment) || /^\p{Emoji}\ufe0f/u.test(segment)) return 2
  // A segment of several letters (a Hangul syllable in parts, an Indic cluster) is as wide as its letters that are no marks.
  const letters = [...segment].filter(letter => !/[\p{Mn}\p{Me}\p{Cf}]/u.test(letter) && !isJoinedJamo(letter))
  return letters.reduce((sum, letter) => sum + (isWide(letter.codePointAt(0) ?? 0) ? 2 : 1), 0)
}

/** Vowels and ends of a Hangul syllable stand in the place of its first letter. */
function isJoinedJamo(letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0
  return code >= 0x1160 && code <= 0x11ff
}

function isWide(code: number): boolean {
  return wideRanges.some(([first, last]) => code >= first && code <= last)
}

/** At most `width` columns; what was cut ends with `…`. */
export function cutText(text: string, width: number): string {
  if (width <= 0) return ''
  if (widthOf(text) <= width) return text
  return `${takeColumns(segmentsOf(text), width - 1)}…`
}

/** The same with the cut in the middle: names of trials differ at both ends. */
export function cutMiddle(text: string, width: number): string {
  if (width <= 0) return ''
  if (widthOf(text) <= width) return text
  const tail = Math.floor((width - 1) / 2)
  const segments = segmentsOf(text)
  const end = [...takeColumnsOf([...segments].reverse(), tail)].reverse().join('')
  return `${takeColumns(segments, width - 1 - widthOf(end))}…${end}`
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

const segmentsOf = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment)

const takeColumns = (segments: readonly string[], width: number): string => takeColumnsOf(segments, width).join('')

function takeColumnsOf(segments: readonly string[], width: number): string[] {
  const taken: string[] = []
  let left = width
  for (const segment of segments) {
    left -= widthOfSegment(segment)
    if (left < 0) break
    taken.push(segment)
  }
  return taken
}
