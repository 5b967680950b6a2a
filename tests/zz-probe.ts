import fc from 'fast-check'
import { build, listDisagreements, placeCalls } from './convert/sessions/check.ts'
import { play, scripts } from './convert/sessions/play.ts'

const seed = Number(process.argv[2])
const n = Number(process.argv[3])
const kinds = new Map<string, { n: number; ex: string; size: number }>()
for (const [script, noise] of fc.sample(fc.tuple(scripts({ steps: 60 }), fc.option(fc.nat(1_000_000))), { seed, numRuns: n })) {
  const s = play(script, { noise })
  const wrong = listDisagreements(s.truth, placeCalls(build(s.calls), s.truth))
  if (wrong.length === 0) continue
  const kind = script.clock + ' ' + (wrong[0] ?? '').replace(/^\S+ /, '').replace(/"[a-z]?[0-9a-f]{6,}[^"]*"/g, 'ID')
  const known = kinds.get(kind)
  const size = script.steps.length
  if (!known || size < known.size) kinds.set(kind, { n: (known?.n ?? 0) + 1, ex: JSON.stringify([script, noise]), size })
  else known.n++
}
for (const [k, v] of kinds) console.log(v.n, k, v.size)
