import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJsonReply } from '../../../runner/terminus/parser-json.ts'
import { parseReply } from '../../../runner/terminus/parsers.ts'
import { timesMoreOfFour } from '../../growth.ts'

const two = [
  { keystrokes: 'ls {"a": [1]}\n', duration: 0.1 },
  { keystrokes: 'echo "}]"\n', duration: 2 },
]
const reply = (change: object = {}) => JSON.stringify({ analysis: 'a {', plan: 'p "', commands: two, ...change })
const typed = [
  { keystrokes: 'ls {"a": [1]}\n', durationSec: 0.1 },
  { keystrokes: 'echo "}]"\n', durationSec: 2 },
]
const one = (command: object) => reply({ commands: [command] })

describe('a JSON reply', () => {
  it('is read as it is', () => {
    expect(parseJsonReply(reply())).toEqual({ commands: typed, complete: false, warnings: [], errors: [] })
    expect(parseJsonReply(reply({ commands: [] }))).toEqual({ commands: [], complete: false, warnings: [], errors: [] })
  })

  it.each<[string, unknown, boolean]>([
    ['true', true, true],
    ['false', false, false],
    ['"TRUE"', 'TRUE', true],
    ['" yes "', ' yes ', true],
    ['"1"', '1', true],
    ['"no"', 'no', false],
    ['null', null, false],
    ['1', 1, false],
  ])('with task_complete %s', (_name, value, complete) => {
    expect(parseJsonReply(reply({ task_complete: value })).complete).toBe(complete)
  })

  it.each([
    ['talk before', `Here {you} are: ${reply()}`, ['text before the JSON object was ignored']],
    ['talk after', `${reply()} Done!`, ['text after the JSON object was ignored']],
    ['fences', `\`\`\`json\n${reply()}\n\`\`\``, []],
    ['talk and fences', `Sure.\n\`\`\`json\n${reply()}\n\`\`\``, ['text before the JSON object was ignored']],
    ['a last brace missing', reply().slice(0, -1), ['1 closing brace was missing and added']],
    ['a last brace missing in a fence', `\`\`\`json\n${reply().slice(0, -1)}\n\`\`\``, ['1 closing brace was missing and added']],
    ['unknown fields', reply({ mood: 'good' }), ['the field "mood" is unknown and was ignored']],
    [
      'texts that are none',
      reply({ analysis: 7, plan: null }),
      ['the field "analysis" should be a text', 'the field "plan" should be a text'],
    ],
    [
      'another order',
      JSON.stringify({ plan: '', analysis: '', commands: two }),
      ['the fields should come in the order analysis, plan, commands, task_complete'],
    ],
    ['an example object before it', `Like {"x": 1} this: ${reply()}`, ['text before the JSON object was ignored']],
  ])('is tolerated with %s', (_name, text, warnings) => {
    expect(parseJsonReply(text)).toEqual({ commands: typed, complete: false, warnings, errors: [] })
  })

  it.each([
    ['no duration', { keystrokes: 'x\n' }, 1, ['command 1 has no duration; waited 1.0 s']],
    [
      'a negative one',
      { keystrokes: 'x\n', duration: -1 },
      1,
      ['command 1 has a duration that is no number from 0; waited 1.0 s'],
    ],
    [
      'a word for one',
      { keystrokes: 'x\n', duration: 'long' },
      1,
      ['command 1 has a duration that is no number from 0; waited 1.0 s'],
    ],
    ['a number as text', { keystrokes: 'x\n', duration: '2.5' }, 2.5, []],
    [
      'another field',
      { keystrokes: 'x\n', duration: 0, wait: 1 },
      0,
      ['command 1 has the unknown field "wait", which was ignored'],
    ],
  ])('is tolerated when a command has %s', (_name, command, durationSec, warnings) => {
    expect(parseJsonReply(one(command))).toEqual({
      commands: [{ keystrokes: 'x\n', durationSec }],
      complete: false,
      warnings,
      errors: [],
    })
  })

  it('warns of commands that were typed on one line, but not of keys', () => {
    const keys = (...list: string[]) => reply({ commands: list.map(keystrokes => ({ keystrokes, duration: 0 })) })
    expect(parseJsonReply(keys('ls', 'pwd\n')).warnings).toEqual([
      'command 1 does not end with a line break: command 2 was typed on the same line',
    ])
    expect(parseJsonReply(keys('C-c', 'Escape', '', 'q', 'M-x', 'F10', 'a\n', 'last')).warnings).toEqual([])
  })

  it.each([
    ['nothing', '', /holds no JSON object/],
    ['prose', 'I am done.', /holds no JSON object/],
    ['a list', '[1]', /JSON but no object/],
    ['broken JSON', '{"analysis": "a" "plan"}', /not valid JSON/],
    ['an end inside its commands', '{"analysis": "", "plan": "", "commands": [{"keystrokes": "x"}', /not valid JSON/],
    ['fields missing', '{"commands": []}', /"analysis" is missing.*"plan" is missing/],
    ['commands missing', '{"analysis": "", "plan": ""}', /"commands" is missing/],
    ['commands that are no list', reply({ commands: 'ls' }), /"commands" must be a list/],
    ['a command that is no object', reply({ commands: [two[0], 'ls'] }), /command 2 must be an object/],
    ['no keystrokes', reply({ commands: [two[0], { duration: 1 }] }), /command 2 has no "keystrokes"/],
    [
      'keystrokes that are no text',
      reply({ commands: [two[0], { keystrokes: ['a'] }] }),
      /command 2 has "keystrokes" that are no text/,
    ],
    ['analysis missing though complete', '{"plan": "", "commands": [], "task_complete": true}', /"analysis" is missing/],
  ])('with %s runs nothing', (_name, text, error) => {
    const { commands, complete, errors } = parseJsonReply(text)
    expect([commands, complete]).toEqual([[], false])
    expect(errors.join('; ')).toMatch(error)
  })

  it('is believed to be complete when only its commands are broken, and runs none of them', () => {
    for (const commands of ['ls', [two[0], {}], undefined]) {
      const { errors, warnings, ...rest } = parseJsonReply(reply({ commands, task_complete: true }))
      expect(rest).toEqual({ commands: [], complete: true })
      expect([errors.length, warnings.length]).toEqual([0, 1])
    }
  })

  it('that was cut off at the output limit is refused, whatever is in it', () => {
    expect(parseReply('json', reply(), true)).toMatchObject({ commands: [], errors: [expect.stringContaining('cut off')] })
    expect(parseReply('json', reply(), false).commands).toEqual(typed)
  })
})

describe('any text', () => {
  const signs = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ',',
    ':',
    '"analysis"',
    '"commands"',
    '"keystrokes"',
    'x',
    '\n',
    '```',
  )
  it('is answered, never thrown at', () => {
    const text = fc.oneof(
      fc.string(),
      fc.array(signs, { maxLength: 60 }).map(list => list.join('')),
    )
    fc.assert(
      fc.property(text, value => void expect(parseJsonReply(value).errors.length + 1).toBeGreaterThan(0)),
      { numRuns: 500 },
    )
  })

  it('that is the beginning of a reply runs all of its commands or none', () => {
    const command = fc.record({
      keystrokes: fc.string({ unit: fc.oneof(signs, fc.string({ minLength: 1, maxLength: 1 })) }),
      duration: fc.double({ min: 0, max: 9, noNaN: true }),
    })
    const replies = fc.record({
      analysis: fc.string(),
      plan: fc.string(),
      commands: fc.array(command, { maxLength: 4 }),
      task_complete: fc.boolean(),
    })
    fc.assert(
      fc.property(replies, fc.double({ min: 0, max: 1, noNaN: true }), (value, part) => {
        const text = JSON.stringify(value)
        const { commands } = parseJsonReply(text.slice(0, Math.floor(text.length * part)))
        expect([0, value.commands.length]).toContain(commands.length)
        expect(parseJsonReply(text).commands.map(({ keystrokes }) => keystrokes)).toEqual(
          value.commands.map(({ keystrokes }) => keystrokes),
        )
      }),
      { numRuns: 500 },
    )
  })

  it.each(['{', '{"'])('full of %s takes time in proportion to its length', async piece => {
    expect(await timesMoreOfFour(size => parseJsonReply(piece.repeat(size)), 4_000)).toBeLessThan(10)
  })
})
