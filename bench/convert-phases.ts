// Where a conversion's time goes inside the process: the stages one after another, each over the whole session, timed apart. A process of
// its own, so that nothing is warm.   node --import tsx bench/convert-phases.ts STORE   (prints JSON: stage -> milliseconds)

import merged from '../convert/formats/merged.ts'
import { buildLanes } from '../convert/lanes.ts'
import { loadSource } from '../convert/load.ts'
import readable from '../convert/policies/readable.ts'
import type { ScopeInfo } from '../convert/source.ts'
import { readStoreScope } from '../convert/source-store.ts'
import { buildTree } from '../convert/tree.ts'
import { openStore } from '../store/open.ts'
import { sessionName } from './convert-sessions.ts'

const stages: Record<string, number> = {}
let last = performance.now()
function mark(stage: string): void {
  const now = performance.now()
  stages[stage] = Math.round((now - last) * 10) / 10
  last = now
}

const store = await openStore(process.argv[2] ?? '', { readOnly: true })
const { id } = await store.resolveRef(sessionName)
mark('open the store')
const scope: ScopeInfo = { kind: 'session', id, name: sessionName, runId: null, task: null, agent: null, score: null }
const source = readStoreScope(store, { scopeId: id }, scope)
for await (const call of source.calls()) if ('reason' in call) throw new Error(call.reason)
mark('read and decode')
const loaded = await loadSource(source)
// It reads them a second time.
stages['know blocks'] = Math.round((performance.now() - last - (stages['read and decode'] ?? 0)) * 10) / 10
last = performance.now()
const tree = buildTree(loaded, id)
mark('link')
const lanes = buildLanes(tree)
mark('lanes')
const trajectories = [...readable.build(tree, lanes)]
mark('policy')
const rows = [...merged.write({ scope, policy: 'readable', trajectories })]
mark('format')
const text = rows.map(row => JSON.stringify(row)).join('\n')
mark('write as JSON')
if (text.length === 0) throw new Error('nothing came out')
await store.close()
console.log(JSON.stringify(stages))
