// A process that records until it is killed: prints the id of every exchange once its end is committed, and of every running one
// once some of its answer is old enough to be saved. Arguments: directory, what to do (`conversation` or `stream`), a name.

import { openStore } from '../../store/open.ts'
import { createUlid } from '../../store/ulid.ts'
import { describeBegin, describeEnd, writeConversation, writeFiller } from './_conversation.ts'

const [directory = '', mode = '', name = ''] = process.argv.slice(2)
const store = await openStore(directory)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function converse(lane: number): Promise<void> {
  for (const [call, body] of writeConversation(200, { messageChars: 300 + lane * 10 }).entries()) {
    const id = createUlid()
    await store.recorder.begin(describeBegin(body, { id, scope: { kind: 'session', id: `${name}${lane}` } }))
    store.recorder.append(id, Buffer.from(`answer of ${id} ${writeFiller(call, 300)}`), Date.now())
    if (call % 2 === 0) await store.recorder.checkpoint(id, describeEnd())
    if (call % 2 === 0) say(`done ${id}`)
    await store.recorder.end(id, describeEnd())
    if (call % 2 === 1) say(`done ${id}`)
  }
}

async function stream(): Promise<void> {
  const id = createUlid()
  await store.recorder.begin(describeBegin('{}', { id, scope: { kind: 'session', id: name }, secrets: ['sk-secret-0123456789'] }))
  store.recorder.head(id, describeEnd())
  store.recorder.append(id, Buffer.from('arrived sk-secret-0123456789 and '), Date.now())
  store.recorder.append(id, Buffer.from('more sk-secr'), Date.now())
  await new Promise(resolve => setTimeout(resolve, 250))
  say(`open ${id}`)
  await new Promise(resolve => setTimeout(resolve, 60_000))
}

if (mode === 'stream') await stream()
else await Promise.all([0, 1, 2, 3].map(converse))
say('finished')
await store.close()
