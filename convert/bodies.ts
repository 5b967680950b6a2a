// What a header list says, as the decoder needs it. Pure.

import type { HeaderList } from '../core/types.ts'

export function readHeader(headers: HeaderList | null, name: string): string | null {
  const values = (headers ?? []).filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}
