// Bytes that a real zstd compressor wrote (Node 24), with what they hold; and a writer of uncompressed frames.

const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64')

export const plainText = JSON.stringify({ text: 'a line of text. '.repeat(200) })
export const zstdText = bytesOf('KLUv/WCLCw0BALh7InRleHQiOiJhIGxpbmUgb2YgLiAifQIAbZzpOLEzDA==')
/** The same with the size in the header and a checksum behind. */
export const zstdSizedText = bytesOf('KLUv/WSLCw0BALh7InRleHQiOiJhIGxpbmUgb2YgLiAifQIAbZzpOLEzDP7Cuqg=')

/** 500 KB in which everything repeats at a distance of 2000 characters: several blocks that reach back into each other. */
export const longText = writeLetters(2000).repeat(250)
export const zstdLongText = bytesOf(
  'KLUv/aAgoQcATB8ACn1wDxSwJdUGVpIkYqeUvnbtti2GYRhKCfIA7gDyAHQSY4MNWCK+bywsJB5AYUyoYekzh5C+VFHp4Xwo5813WBpvuyk0Kz' +
    'IKYGLNfNc7TFzywlxFJQrr2iSHBvEcZRlZeE6El2GJKWRwnU9WX7gQbbDSWLveKKd9ikKRXFYIdkm+GgqPw7gz5GVFq3a8KCk4FqdQDrNJI27s' +
    'hcqhhWBv/hYh8Rp318ResB1AFOSQVtgXWqi6uUq6KElTnK9CRF+5alAiaywry43EZjJCWV1hhqrWIoyvjqI5FSpu7qgD07hQjsk8Br9hMhYkSr' +
    'lkWWqGe0NaKGmVIqzGPI/mo6I4C5alnomeChF4N0OG4bsWXVUBQxhuoUGzJc6jMFhioKJJ3OWZv3Dzgy4VScw6xIhfXyLKwjBQwvP5/s1+zp+6' +
    'F6osyCnGOiHZsFefeymjKK/qISzkgW69SWuoIP3JjMVOn8OlLnfmkOTHKEaBAqJOIWT2KJF9nbT3on9OCJsS6bcqNCd7l8mwtIc2O+YlLIqRgr' +
    '8cK2ftXr/vrCZa4TGoOMpLV2fUUGb4nLwMEb1P2NTckxXwRndnF8TmNGGshpgLi8vYnEWEl4jVdsK/ZuBQHFjRqms0FgpnNcapCxXlIDxLC4mJ' +
    '0TTKaBgMq3FEnp/CxZ9dtsKYTrJCMjO0tJ/HBTNnki8TSvoklChU8BksP5gO8UtBEmzUyBllzNV6uOB85yLp3KmiEmaxMORRk/aUQROHjamCVE' +
    'WljHHSMeaTObbGSSlHJLHDQeYcR9g8MS2jqUq0GqwTtJCxEJ4gtguMFjmwKiY7z2yVkcnE0IihcZ8dRjzhxvBmRgqfswwNfLVAIg7ZMDh4AcCR' +
    'XVbWNYE0SKFWm6mVuHFCxQwVEeTXdiGkKnI5dH2owY21y0ufVOWWlymgXt1pMKSQVZSR8CM1dCObWdDs8fScBR8euqH8+qQg9xLooJCcsaFwiB' +
    'hCJSwhQB0ndhcwnNUxWF6hWVwh7CbzQZRXrHyEMoOHKljyzCJzTJJkUiiCLibJlSec4doSqnnCIY0y8MIVK1TOKldz13w6yAX9q/FMKI6zo4Tr' +
    'KDmHj8KckzTJjKGOZsICMmQHXux5lA22JYnppoaSeEVbFd2HoqAK5PKYjdwtHDCHQm0hrirBgpgV1vn2kN7HC7SQe5s7RYpXUySUgl2ICJaBrz' +
    'EN5bnhpg9HStgx2GJITmXOCe3MZJeOpNxJFeGguBBecSK2z5QlUSmEXLDfsYtjL3Z2tFKh49zn9QiSQH2WLF51NxLChVr2GmGQUmYqtjs9MhQS' +
    'B5FyzOby4EL0CHpCeQcBANC34E+fZypMAAAIcQEA/P85EAJMAAAIZQEA/P85EAJNAAAIawEAHKE5EAI=',
)

export const events = ['event: a\ndata: 1\n\n', 'event: b\ndata: 2\n\n', 'event: message_stop\ndata: {}\n\n']
/** Each event flushed by itself, as providers stream them; the last part is the end of the frame. */
export const zstdEvents = [
  'KLUv/QBYkAAAZXZlbnQ6IGEKZGF0YTogMQoK',
  'ZAAAIGIyCgoCACBLZRMI',
  'zAAAiGVtZXNzYWdlX3N0b3B7fQoKAgBS5RzAFQ==',
  'AQAA',
].map(bytesOf)

/** Holds {"key":"sk-secret-0001"} three times, two of them as references to the first. */
export const zstdSecret = bytesOf('KLUv/WDTC9UBANQCeyJrZXkiOiJzay1zZWNyZXQtMDAwMSJ9dGV4dCI6ImEgbGluZSBvZiAuICJ9AxAEbRzHiV280Rg=')

function writeLetters(count: number): string {
  let seed = 7
  const next = (): string => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return String.fromCharCode(97 + (seed % 26))
  }
  return Array.from({ length: count }, next).join('')
}

/** One frame of uncompressed blocks. */
export function frameRaw(parts: readonly Buffer[]): Buffer {
  const blocks = parts.flatMap((part, at) => {
    const head = (part.length << 3) | (at === parts.length - 1 ? 1 : 0)
    return [Buffer.from([head & 255, (head >> 8) & 255, head >> 16]), part]
  })
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), ...blocks])
}
