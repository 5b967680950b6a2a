import { expect, it } from 'vitest'
import { createDelivery } from '../../../proxy/websocket/delivery.ts'

const tick = () => new Promise(resolve => setImmediate(resolve))

function rig() {
  const out: string[] = []
  const delivery = createDelivery({ onReleased: () => out.push('released'), onFailed: error => out.push(`failed ${error}`) })
  return {
    out,
    delivery,
    push: (name: string, after?: Promise<void>, bytes = 1) => delivery.push(() => out.push(name), after, bytes),
  }
}

it('delivers at once what need not wait', () => {
  const { out, push, delivery } = rig()
  push('a')
  push('b')
  expect(out).toEqual(['a', 'b'])
  expect([delivery.heldBytes(), delivery.idle()]).toEqual([0, true])
})

it('holds everything behind what waits, in order, whichever comes true first', async () => {
  const { out, push, delivery } = rig()
  let first = (): void => undefined
  push('a', new Promise(resolve => (first = resolve)), 5)
  push('b', Promise.resolve(), 7)
  push('c')
  await tick()
  expect([out, delivery.heldBytes(), delivery.idle()]).toEqual([[], 13, false])
  first()
  await tick()
  expect([out, delivery.heldBytes(), delivery.idle()]).toEqual([['a', 'b', 'c', 'released'], 0, true])
  push('d')
  expect(out.at(-1)).toBe('d')
})

it('delivers nothing more once something failed, and says so once', async () => {
  const { out, push, delivery } = rig()
  push('a', Promise.reject(new Error('full')))
  push('b')
  await tick()
  push('c')
  push('d', Promise.reject(new Error('again')))
  await tick()
  expect([out, delivery.heldBytes()]).toEqual([['failed Error: full'], 0])
})
