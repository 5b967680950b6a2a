// After the load: is what Turnpike recorded of its WebSockets what was said on them? Every question and every event read back and compared,
// every call decoded.
import { decodeExchanges } from '../convert/decode.ts'
import { readMessages } from '../protocols/_framing-websocket.ts'
import { openStore } from '../store/open.ts'
import { readNumber, writeAnswer, writeQuestion } from './websocket-content.ts'

export interface SocketRecordCheck {
  readonly exchanges: number
  readonly decoded: number
  readonly bytesRaw: number
  readonly bytesStored: number
  /** Empty when the record is whole. */
  readonly faults: readonly string[]
}

export async function checkSocketRecord(directory: string, answered: number): Promise<SocketRecordCheck> {
  const store = await openStore(directory)
  try {
    const faults: string[] = []
    const exchanges = (await store.exchanges({})).filter(({ method }) => method === 'WS')
    if (exchanges.length !== answered)
      faults.push(`${answered} questions were answered, ${exchanges.length} exchanges are recorded`)
    const seen = new Set<number>()
    for (const { id, outcome } of exchanges) {
      const question = (await store.readBody(id, 'request'))?.bytes.toString() ?? ''
      const number = readNumber(question)
      const events = readMessages((await store.readBody(id, 'response'))?.bytes ?? Buffer.alloc(0))
      const answer = number === null ? [] : writeAnswer(number)
      const isSame = answer.length === events.length && events.every(({ payload }, at) => payload.toString() === answer[at])
      if (outcome !== 'complete') faults.push(`exchange ${id} is ${outcome}`)
      else if (number === null || seen.has(number) || question !== writeQuestion(number))
        faults.push(`exchange ${id}: another question is recorded than was asked`)
      else if (!isSame) faults.push(`exchange ${id}: another answer is recorded than was given`)
      if (number !== null) seen.add(number)
    }
    const { decoded, reasons } = await decodeExchanges(store, {})
    if (decoded !== exchanges.length) faults.push(`${decoded} of ${exchanges.length} calls decode: ${reasons[0]?.reason}`)
    const usages = (await store.list('calls')).filter(({ usage, complete }) => complete && usage?.output === 33)
    if (usages.length !== exchanges.length)
      faults.push(`${usages.length} of ${exchanges.length} calls decode whole, with their usage`)
    const report = await store.verify()
    for (const { exchange, what } of report.bad) faults.push(`exchange ${exchange}: ${what}`)
    const { bytesRaw, bytesStored } = report
    return { exchanges: exchanges.length, decoded, bytesRaw, bytesStored, faults }
  } finally {
    await store.close()
  }
}
