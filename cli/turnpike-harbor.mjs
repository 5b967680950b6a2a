#!/usr/bin/env node
// `turnpike-harbor run …` is `turnpike harbor run …`, under a name that scripts can take for Harbor's own program.

process.argv.splice(2, 0, 'harbor')
await import('./turnpike.mjs')
