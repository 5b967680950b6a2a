// After the load: is what Turnpike recorded what was sent? Every exchange there, each complete, hashes as the load generator
// computed them, every body read back and hashed again.
import { openStore } from '../store/open.ts'

export interface RecordCheck {
  readonly exchanges: number
  readonly hashesCompared: number
  readonly bytesRaw: number
  readonly bytesStored: number
  /** Empty when the record is whole. */
  readonly faults: readonly string[]
}

export async function checkRecord(directory: string, answered: number): Promise<RecordCheck> {
  const store = await openStore(directory, { readOnly: true })
  try {
    const faults: string[] = []
    const exchanges = await store.exchanges({})
    if (exchanges.length !== answered)
      faults.push(`${answered} requests were answered, ${exchanges.length} exchanges are recorded`)
    const incomplete = exchanges.filter(exchange => exchange.outcome !== 'complete')
    if (incomplete.length > 0)
      faults.push(`${incomplete.length} exchanges are not complete, the first is ${incomplete[0]?.outcome}`)
    let hashesCompared = 0
    for (const { id, requestHeaders, requestSha256 } of exchanges) {
      const sent = requestHeaders.find(([name]) => name.toLowerCase() === 'x-bench-sha256')?.[1]
      if (sent === undefined) continue
      hashesCompared++
      if (sent !== requestSha256) faults.push(`exchange ${id}: another request is recorded than was sent`)
    }
    const report = await store.verify()
    for (const { exchange, what } of report.bad) faults.push(`exchange ${exchange}: ${what}`)
    if (report.exchanges !== exchanges.length) faults.push(`verify read ${report.exchanges} of ${exchanges.length} exchanges`)
    return { exchanges: exchanges.length, hashesCompared, bytesRaw: report.bytesRaw, bytesStored: report.bytesStored, faults }
  } finally {
    await store.close()
  }
}
