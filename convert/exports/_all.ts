// Every format that recordings can be exported in; a test holds the list against the directory.

import type { ExportFormat } from './_adapter.ts'
import curl from './curl.ts'
import har from './har.ts'
import raw from './raw.ts'

export const exportFormats: readonly ExportFormat[] = [raw, har, curl]
