#!/usr/bin/env node
// The `turnpike` command: starts the compiled program. In a fresh clone that was never built it says what to do.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('error: turnpike is not built yet\n  try: npm start, npm test or npm run build once in this folder\n')
  process.exit(2)
}
await import(main.href)
