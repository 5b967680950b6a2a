import { expect, it } from 'vitest'
import { chooseFault, describeFault, type PlannedCall } from '../../../proxy/inject/plan.ts'
import { parseInject } from '../../../proxy/inject/spec.ts'

const call = (change: Partial<PlannedCall> = {}): PlannedCall => ({
  scope: 'task.agent.1',
  call: 1,
  turn: 1,
  model: 'claude-x',
  protocol: 'anthropic-messages',
  ...change,
})
const never = () => 0
const chosen = (text: string, calls: readonly PlannedCall[]) =>
  calls.map(one => chooseFault(parseInject(text), one, never)?.number ?? 0)
const numbers = (count: number) => Array.from({ length: count }, (_, index) => call({ call: index + 1 }))

it('strikes the calls that are named, and only those', () => {
  expect(chosen('429 call=2|4-5', numbers(6))).toEqual([0, 1, 0, 1, 1, 0])
  expect(chosen('429 call=3-', numbers(5))).toEqual([0, 0, 1, 1, 1])
  expect(chosen('429 every=2', numbers(5))).toEqual([0, 1, 0, 1, 0])
  expect(chosen('429 turn=2', [call(), call({ turn: 2 }), call({ turn: null })])).toEqual([0, 1, 0])
  expect(chosen('429 model=claude-*', [call(), call({ model: 'gpt' }), call({ model: null })])).toEqual([1, 0, 0])
  expect(chosen('429 protocol=openai-chat', [call(), call({ protocol: 'openai-chat' })])).toEqual([0, 1])
})

it('lets the earlier rule win', () => {
  expect(chosen('429 call=2; 500 call=2-3; reset', numbers(4))).toEqual([3, 1, 2, 3])
})

it('strikes no more often than it may', () => {
  const spec = parseInject('429 times=2; 500')
  const [rule] = spec.rules
  expect(chooseFault(spec, call(), one => (one === rule ? 1 : 9))?.number).toBe(1)
  expect(chooseFault(spec, call(), one => (one === rule ? 2 : 9))?.number).toBe(2)
})

it('throws dice by seed, rule, scope and call: the same everywhere, and as often as was asked', () => {
  const many = numbers(4000)
  const once = chosen('429 rate=0.1; seed=5', many)
  expect(chosen('429 rate=0.1; seed=5', many)).toEqual(once)
  const share = once.filter(Boolean).length / many.length
  // Four standard deviations of a coin with p = 0.1.
  expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / many.length))
  expect(chosen('429 rate=0.1; seed=6', many)).not.toEqual(once)
  const elsewhere = many.map(one => ({ ...one, scope: 'task.agent.2' }))
  expect(chosen('429 rate=0.1; seed=5', elsewhere)).not.toEqual(once)
  // Another rule behind it moves nothing.
  expect(chosen('429 rate=0.1; 500 rate=0.5; seed=5', many).map(number => (number === 1 ? 1 : 0))).toEqual(once)
  // The very calls, so that a change of the dice is noticed: recorded experiments name their seeds.
  expect(once.flatMap((hit, index) => (hit ? [index + 1] : [])).slice(0, 5)).toMatchInlineSnapshot(`
    [
      25,
      50,
      52,
      60,
      62,
    ]
  `)
})

it('says what was done, by which rule and seed', () => {
  const spec = parseInject('cut after=2; seed=9')
  const [rule] = spec.rules
  if (!rule) throw new Error('no rule')
  expect(describeFault(spec, rule, call({ call: 4 }))).toBe(
    'injected on purpose: cut after=2 (rule 1, seed 9, call 4 of task.agent.1)',
  )
})
