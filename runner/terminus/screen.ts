// What the model is shown of a terminal: what is new since it last looked, within a limit of bytes. Pure.

/** Bytes of terminal shown at once. More crowds out the conversation; a file can be read in parts. */
export const outputBytesMax = 10_000

export interface Capture {
  /** Scrollback and screen. */
  readonly whole: string
  /** What a person would see now. */
  readonly screen: string
}

/** `previous` is the `whole` of the capture before, null at first. */
export function showChange(previous: string | null, { whole, screen }: Capture): string {
  const news = previous === null ? null : findNews(previous.trimEnd(), whole.trimEnd())
  if (news === null) return `Current Terminal Screen:\n${limitOutput(screen.trimEnd())}`
  return `New Terminal Output:\n${limitOutput(news)}`
}

/** From the last line that was there before (a prompt, now with what was typed behind it); null when nothing is new or all is. */
function findNews(previous: string, current: string): string | null {
  if (previous === '' || current === previous) return null
  const found = current.indexOf(previous)
  if (found < 0) return null
  const tail = current.slice(found + previous.lastIndexOf('\n') + 1)
  return tail.trim() === '' ? null : tail
}

/** The first and the last half of what is too long, cut between characters. */
export function limitOutput(text: string, bytesMax: number = outputBytesMax): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  const half = Math.floor(bytesMax / 2)
  const head = decodeWhole(bytes.subarray(0, half))
  const tail = decodeWhole(bytes.subarray(bytes.length - half))
  const cut = bytes.length - Buffer.byteLength(head) - Buffer.byteLength(tail)
  return `${head}\n[… ${cut} bytes left out: only the first and last ${half} bytes are shown …]\n${tail}`
}

/** Without the bytes of characters that were cut through. */
function decodeWhole(bytes: Buffer): string {
  let start = 0
  while (start < 3 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  let end = bytes.length
  let lead = end - 1
  while (lead > start && end - lead < 4 && ((bytes[lead] ?? 0) & 0xc0) === 0x80) lead--
  const first = bytes[lead] ?? 0
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
  if (lead + size > end) end = lead
  return bytes.toString('utf8', start, end)
}
