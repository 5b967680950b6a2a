// Cases of every round up to the one given. Each runs in a process of its own that only prints a value; it is compared out here.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const round = Number(process.argv[2])
const make = `const make = (capacity, options = {}) => createCache({ capacity, ${round >= 5 ? "policy: 'lru', " : ''}...options });`

const cases = [
  [
    1,
    'get-set',
    'stores and gives',
    "const c = make(2); c.set('a', 1); out([c.get('a'), c.get('b'), c.has('a'), c.has('b'), c.size])",
    [1, null, true, false, 1],
  ],
  [
    1,
    'delete',
    'deletes and tells',
    "const c = make(2); c.set('a', 1); out([c.delete('a'), c.delete('a'), c.size])",
    [true, false, 0],
  ],
  [
    1,
    'evict',
    'the longest unused goes',
    "const c = make(2); c.set('a', 1); c.set('b', 2); c.get('a'); c.set('c', 3); out([c.has('a'), c.has('b'), c.has('c'), c.size])",
    [true, false, true, 2],
  ],
  [
    1,
    'has-is-no-use',
    'has is no use',
    "const c = make(2); c.set('a', 1); c.set('b', 2); c.has('a'); c.set('c', 3); out(c.has('a'))",
    false,
  ],
  [1, 'falsy', 'values may be falsy', "const c = make(1); c.set('a', 0); out([c.get('a'), c.has('a')])", [0, true]],
  [
    1,
    'capacity',
    'wrong capacities are refused',
    "out([0, -1, 1.5, 'x', undefined].map(n => { try { createCache({ capacity: n }); return 'taken' } catch (e) { return e.constructor.name } }))",
    Array(5).fill('RangeError'),
  ],
  [
    2,
    'ttl',
    'entries expire at their time',
    "let t = 0; const c = make(3, { now: () => t }); c.set('a', 1, { ttlMs: 10 }); c.set('b', 2); t = 9; const x = c.get('a'); t = 10; out([x, c.get('a'), c.has('a'), c.delete('a'), c.get('b')])",
    [1, null, false, false, 2],
  ],
  [
    2,
    'ttl-renewed',
    'setting again sets the time again',
    "let t = 0; const c = make(3, { now: () => t }); c.set('a', 1, { ttlMs: 10 }); t = 5; c.set('a', 2); t = 99; out(c.get('a'))",
    2,
  ],
  [
    3,
    'stats',
    'hits, misses and evictions',
    "const c = make(1); c.set('a', 1); c.get('a'); c.get('x'); c.set('b', 2); c.has('b'); out(c.stats())",
    { hits: 1, misses: 1, evictions: 1 },
  ],
  [
    3,
    'stats-expired',
    'an expired entry is a miss',
    "let t = 0; const c = make(1, { now: () => t }); c.set('a', 1, { ttlMs: 1 }); t = 5; c.get('a'); out(c.stats())",
    { hits: 0, misses: 1, evictions: 0 },
  ],
  [
    4,
    'size-living',
    'size counts the living',
    "let t = 0; const c = make(3, { now: () => t }); c.set('a', 1, { ttlMs: 1 }); c.set('b', 2); t = 5; out(c.size)",
    1,
  ],
  [
    4,
    'expired-first',
    'the expired go first',
    "let t = 0; const c = make(2, { now: () => t }); c.set('b', 2); c.set('a', 1, { ttlMs: 1 }); t = 5; c.set('c', 3); out([c.has('b'), c.has('c'), c.stats().evictions])",
    [true, true, 0],
  ],
  [
    5,
    'fifo',
    'the first added goes',
    "const c = createCache({ capacity: 2 }); c.set('a', 1); c.set('b', 2); c.get('a'); c.set('a', 9); c.set('c', 3); out([c.has('a'), c.has('b'), c.has('c')])",
    [false, true, true],
  ],
  [
    5,
    'policy',
    'wrong policies are refused',
    "try { createCache({ capacity: 1, policy: 'random' }); out('taken') } catch (e) { out(e.constructor.name) }",
    'RangeError',
  ],
  [
    6,
    'compute',
    'computes once and keeps',
    "const c = make(2); let n = 0; const f = async k => { n++; return k + n }; const x = await c.getOrCompute('a', f); const y = await c.getOrCompute('a', f); out([x, y, n, c.stats()])",
    ['a1', 'a1', 1, { hits: 1, misses: 1, evictions: 0 }],
  ],
  [
    6,
    'compute-shared',
    'calls at once share one computation',
    "const c = make(2); let n = 0; const f = async () => { await new Promise(r => setTimeout(r, 20)); return ++n }; out([await Promise.all([c.getOrCompute('a', f), c.getOrCompute('a', f)]), n])",
    [[1, 1], 1],
  ],
  [
    6,
    'compute-fails',
    'a failure is shared and forgotten',
    "const c = make(2); let n = 0; const f = async () => { if (n++ === 0) throw new Error('no'); return 'yes' }; const r = await Promise.allSettled([c.getOrCompute('a', f), c.getOrCompute('a', f)]); out([r.map(x => x.status), c.has('a'), await c.getOrCompute('a', f)])",
    [['rejected', 'rejected'], false, 'yes'],
  ],
].filter(([origin]) => origin <= round)

function run(body) {
  const script = `import { createCache } from '/app/cache.mjs'; import { writeSync } from 'node:fs'; const out = value => writeSync(3, JSON.stringify(value ?? null)); ${make} ${body}`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 10_000,
    encoding: 'utf8',
  })
  return child.output?.[3] || `nothing: ${(child.stderr ?? '').split('\n').find(line => line.includes('Error')) ?? 'no result'}`
}

const print = line => process.stdout.write(`${line}\n`)
const quote = text => `"${text.replaceAll(/[\\"$`]/g, '\\$&').replaceAll('\n', ' ')}"`
let passed = 0
for (const [origin, id, intent, body, expected] of cases) {
  const actual = run(body)
  const fine = actual === JSON.stringify(expected)
  if (fine) passed++
  print(
    `CASE_RESULT case_id=${id} origin_step=round-${origin} requirement_ref=round-${origin} case_type=functional status=${fine ? 'success' : 'fail'} ` +
      `intent=${quote(intent)} scenario="" input=${quote(body)} expected=${quote(JSON.stringify(expected))} actual=${quote(actual)} failure_reason=${quote(fine ? '' : 'not what was asked for')}`,
  )
}
print(`CASE_SUMMARY total_cases=${cases.length} success_count=${passed} fail_count=${cases.length - passed}`)
writeFileSync('/logs/verifier/reward.txt', passed === cases.length ? '1\n' : '0\n')
