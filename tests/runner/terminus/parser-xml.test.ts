import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseXmlReply } from '../../../runner/terminus/parser-xml.ts'

const commands =
  '<keystrokes duration="0.5">a < b && c </commands> </response>\n</keystrokes>\n<keystrokes duration=\'3\'>&lt;\n</keystrokes>'
const typed = [
  { keystrokes: 'a < b && c </commands> </response>\n', durationSec: 0.5 },
  { keystrokes: '&lt;\n', durationSec: 3 },
]
const reply = (inside = commands, end = '<task_complete>false</task_complete>\n</response>') =>
  `<response>\n<analysis>x</analysis>\n<plan>y</plan>\n<commands>\n${inside}\n</commands>\n${end}`

describe('an XML reply', () => {
  it('is read as it is, its content untouched', () => {
    expect(parseXmlReply(reply())).toEqual({ commands: typed, complete: false, warnings: [], errors: [] })
    expect(parseXmlReply(reply('', '<task_complete> True </task_complete></response>'))).toEqual({
      commands: [],
      complete: true,
      warnings: [],
      errors: [],
    })
  })

  it('does not take for its own what is typed', () => {
    const { complete, warnings } = parseXmlReply(
      reply('<keystrokes duration="1"><task_complete>true</task_complete>\n</keystrokes>'),
    )
    expect([complete, warnings]).toEqual([false, []])
  })

  it.each([
    ['talk around', `Hi ${reply()} bye`, ['text before <response> was ignored', 'text after </response> was ignored']],
    ['no analysis and plan', reply().replace(/<analysis>.*\n<plan>.*/, ''), ['there is no <analysis>', 'there is no <plan>']],
    ['an unknown tag', reply().replace('<plan>', '<mood>good</mood><plan>'), ['the tag <mood> is unknown and was ignored']],
    [
      'text between commands',
      reply(commands.replace('</keystrokes>\n<', '</keystrokes>then<')),
      ['text between commands was ignored; only <keystrokes> are typed'],
    ],
    ['no last tag', reply(commands, ''), ['the reply is not closed by </response>: commands run as far as they were closed: 2']],
  ])('is tolerated with %s', (_name, text, warnings) => {
    expect(parseXmlReply(text)).toEqual({ commands: typed, complete: false, warnings, errors: [] })
  })

  it('has defaults for durations, and empty keystrokes', () => {
    expect(parseXmlReply(reply('<keystrokes duration="x">a\n</keystrokes><keystrokes/>'))).toMatchObject({
      commands: [
        { keystrokes: 'a\n', durationSec: 1 },
        { keystrokes: '', durationSec: 1 },
      ],
      warnings: ['command 1 has a duration that is no number from 0; waited 1.0 s', 'command 2 has no duration; waited 1.0 s'],
    })
  })

  it.each([
    ['no response', 'done', /no <response>/],
    ['no commands', '<response><analysis>x</analysis></response>', /no <commands>/],
    [
      'commands not closed',
      reply().replace('</commands>\n<task', '<task').replace('</commands>', ''),
      /<commands> or its <keystrokes> number 3 is not closed/,
    ],
    ['keystrokes not closed', reply('<keystrokes duration="1">a\n'), /<keystrokes> number 1 is not closed/],
    ['keystrokes closed by the next', reply(commands.replace('</keystrokes>', '')), /not closed before the next/],
    ['nothing whole before the cut', reply().slice(0, 90), /ends before its first command is closed/],
  ])('with %s runs nothing', (_name, text, error) => {
    const read = parseXmlReply(text)
    expect([read.commands, read.complete]).toEqual([[], false])
    expect(read.errors.join('; ')).toMatch(error)
  })

  it('that was cut runs the commands that were closed, and no half one', () => {
    const text = reply()
    const second = text.indexOf("<keystrokes duration='3'>")
    for (let end = second; end < text.indexOf('</keystrokes>', second) + 12; end++) {
      const read = parseXmlReply(text.slice(0, end))
      expect(read.commands).toEqual(typed.slice(0, 1))
      expect(read.warnings.at(-1)).toContain('as far as they were closed: 1')
    }
  })
})

it('answers any text, and never types what is not in it', () => {
  const tags = ['response', 'commands', 'keystrokes', 'task_complete', 'analysis'].flatMap(name => [`<${name}>`, `</${name}>`])
  const piece = fc.oneof(
    fc.constantFrom(...tags, '<keystrokes duration="1">', '<keystrokes', '/>', '>', '<'),
    fc.string({ maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      const text = `<response><commands>${pieces.join('')}`
      const read = parseXmlReply(text)
      for (const { keystrokes } of read.commands) expect(text).toContain(`>${keystrokes}`.slice(keystrokes === '' ? 1 : 0))
      if (read.errors.length > 0) expect([read.commands, read.complete]).toEqual([[], false])
    }),
    { numRuns: 500 },
  )
})
