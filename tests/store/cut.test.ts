import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutBody } from '../../store/cut.ts'
import { timesMoreOfFour } from '../growth.ts'
import { writeConversation, writeFiller } from './_conversation.ts'

const whole = (bytes: Buffer) => cutBody(bytes, { from: 0, to: bytes.length, insideArray: false })
const split = (bytes: Buffer, ends = whole(bytes)) => ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end).toString())

it('every element of the arrays that agents resend is a piece of its own, its separator before it', () => {
  const long = (name: string) => `{"role":"user","content":"${name} ${'x'.repeat(900)}"}`
  const head = `{"model":"m","pad":"${'p'.repeat(300)}","messages":[`
  const bytes = Buffer.from(`${head}${long('a')}, ${long('b \\" ] } \\\\')},${long('c')}],"tools":[${long('t')}],"n":1}`)
  expect(split(bytes)).toEqual([
    head,
    long('a'),
    `, ${long('b \\" ] } \\\\')}`,
    `,${long('c')}`,
    `],"tools":[${long('t')}`,
    '],"n":1}',
  ])
})

it('small neighbours share a piece, and arrays of other names are not cut', () => {
  const small = Array.from({ length: 60 }, (_, at) => `{"role":"user","content":"message ${at} of many"}`)
  const grouped = split(Buffer.from(`{"messages":[${small.join(',')}]}`))
  expect(grouped.length).toBeGreaterThan(3)
  for (const piece of grouped.slice(0, -1)) expect(piece.length).toBeGreaterThanOrEqual(256)
  expect(split(Buffer.from(`{"other":[${small.join(',')}]}`)).length).toBe(1)
  expect(split(Buffer.from(`{"nested":{"messages":[${small.join(',')}]}}`)).length).toBe(1)
})

it('appending a message leaves every earlier piece but the end as it was', () => {
  const [before, after] = writeConversation(12, { toolsLast: false })
    .slice(-2)
    .map(body => split(body))
  expect(before!.length).toBeGreaterThan(20)
  expect(after!.slice(0, before!.length - 1)).toEqual(before!.slice(0, -1))
})

it('going on from any cut gives the same cuts as starting at the beginning', () => {
  for (const toolsLast of [true, false]) {
    const body = writeConversation(10, { toolsLast }).at(-1)!
    const ends = whole(body)
    for (const [at, from] of ends.slice(0, -1).entries())
      expect(cutBody(body, { from, to: body.length, insideArray: true })).toEqual(ends.slice(at + 1))
  }
})

it('any bytes, JSON or not, concatenate back, with rising ends and nothing left over', () => {
  const json = fc.json({ maxDepth: 4 }).map(text => Buffer.from(`{"messages":[${text},${text}],"tools":[${text}]}`.repeat(1)))
  const noise = fc.uint8Array({ maxLength: 6000 }).map(bytes => Buffer.from(bytes))
  const broken = fc
    .tuple(fc.nat(6000), fc.nat(6000), fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':'))
    .map(([cut, at, char]) => {
      const text = writeConversation(4).at(-1)!.toString()
      return Buffer.from((text.slice(0, at) + char + text.slice(at)).slice(0, 2048 + cut))
    })
  fc.assert(
    fc.property(fc.oneof(json, noise, broken), bytes => {
      const ends = whole(bytes)
      expect(ends.at(-1) ?? 0).toBe(bytes.length)
      expect(ends.every((end, at) => end > (ends[at - 1] ?? 0))).toBe(true)
      expect(split(bytes, ends).length).toBe(ends.length)
    }),
    { numRuns: 400 },
  )
})

it('strings of backslashes and quotes are left in linear time', async () => {
  const cut = (size: number): void => {
    const [slashes, quotes] = ['\\\\'.repeat(size), '\\"'.repeat(size)]
    const bytes = Buffer.from(
      `{"messages":[{"content":"${slashes}"},{"content":"${quotes}"},{"content":"${writeFiller(1, 400)}"}]}`,
    )
    expect(split(bytes).length).toBe(4)
  }
  expect(await timesMoreOfFour(cut, 50_000)).toBeLessThan(10)
})
