import { readdirSync, readFileSync } from 'node:fs'
import { startHelper } from './pinned-process.ts'
import { waitUntilIdle } from './process-usage.ts'
import { cases } from './proxy-cases.ts'
import { makeFolder, targets } from './proxy-targets.ts'

const up = startHelper(new URL('proxy-upstream.ts', import.meta.url), 'measuring')
const load = startHelper(new URL('proxy-load.ts', import.meta.url), 'measuring')
const { port } = (await up.first) as { port: number }
await load.first
const seconds = Number(process.argv[4] ?? 3)
const threads = (pid: number) =>
  new Map(
    readdirSync(`/proc/${pid}/task`).map(t => {
      const s = readFileSync(`/proc/${pid}/task/${t}/stat`, 'utf8')
      const f = s.slice(s.lastIndexOf(')') + 2).split(' ')
      return [
        t,
        {
          ns: Number(readFileSync(`/proc/${pid}/task/${t}/schedstat`, 'utf8').split(' ')[0]),
          u: Number(f[11]),
          s: Number(f[12]),
          comm: s.slice(s.indexOf('(') + 1, s.lastIndexOf(')')),
        },
      ]
    }),
  )
for (const id of process.argv[3]!.split(',')) {
  const c = cases.find(x => x.id === id)!
  await up.ask({ kind: 'shape', answer: c.answer })
  for (const t of targets.filter(t => process.argv[2]!.split(',').includes(t.id))) {
    const o = await t.open({ upstreamPort: port, directory: makeFolder('/tmp/dev', t.id), profileDirectory: null })
    await load.ask({ kind: 'open', target: t.id, port: o.port, headers: o.headers, case: c })
    await load.ask({ kind: 'measure', target: t.id, seconds: 2, requestsEach: 1e9, checkEvery: 16 })
    const pid = o.started!.pid
    await waitUntilIdle(pid, 20000)
    const a = threads(pid)
    const r = ((await load.ask({ kind: 'measure', target: t.id, seconds, requestsEach: 1e9, checkEvery: 16 })) as any).result
    const m = threads(pid)
    await waitUntilIdle(pid, 20000)
    const b = threads(pid)
    console.log(
      id,
      t.id,
      'rps',
      Math.round(r.perSecond),
      'p50',
      Math.round(r.p50Us),
      'err',
      r.errors,
      r.firstError ?? '',
      'disk',
      '',
    )
    let total = 0
    for (const [tid, y] of b) {
      const x = a.get(tid) ?? { ns: 0, u: 0, s: 0 }
      const z = m.get(tid) ?? (x as any)
      const us = (y.ns - x.ns) / 1000 / r.requests
      total += us
      if (us > 3)
        console.log(
          '   ',
          tid === String(pid) ? 'MAIN' : tid,
          y.comm,
          us.toFixed(0) + ' us/req',
          'later',
          ((y.ns - z.ns) / 1000 / r.requests).toFixed(0),
          'user',
          (((y.u - x.u) * 10000) / r.requests).toFixed(0),
          'sys',
          (((y.s - x.s) * 10000) / r.requests).toFixed(0),
        )
    }
    console.log('    total', total.toFixed(0), 'us/req')
    await load.ask({ kind: 'close', target: t.id })
    await o.started?.stop()
  }
}
await up.started.stop()
await load.started.stop()
