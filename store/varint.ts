// Small numbers in few bytes: LEB128 for counts and ids, zigzag for differences. Numbers go up to 2^53, so shifts are divisions.

import { TurnpikeError } from '../core/errors.ts'

export function writeVarints(numbers: readonly number[]): Buffer {
  const bytes: number[] = []
  for (const number of numbers) {
    let rest = number
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes.push(rest)
  }
  return Buffer.from(bytes)
}

export function readVarints(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  let number = 0
  let scale = 1
  for (const byte of bytes) {
    number += (byte & 0x7f) * scale
    if (byte >= 0x80) scale *= 0x80
    else {
      numbers.push(number)
      number = 0
      scale = 1
    }
  }
  if (scale !== 1 || !numbers.every(Number.isSafeInteger))
    throw new TurnpikeError('E_STORE_CORRUPT', 'a list of numbers in the store is damaged')
  return numbers
}

/** Signed to unsigned, small values staying small: 0, -1, 1, -2 become 0, 1, 2, 3. */
export function zigzag(number: number): number {
  return number < 0 ? -2 * number - 1 : 2 * number
}

export function unzigzag(number: number): number {
  return number % 2 === 1 ? -(number + 1) / 2 : number / 2
}
