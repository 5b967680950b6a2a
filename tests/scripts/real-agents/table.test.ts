import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { realAgents } from '../../../scripts/real-agents/agents/_all.ts'
import { nameOf } from '../../../scripts/real-agents/record.ts'
import { writeSetupDocs } from '../../../scripts/real-agents/setup-docs.ts'
import { placeTable, type Result, readResults, writeTable } from '../../../scripts/real-agents/table.ts'

const good: Result = {
  name: 'a-chat',
  version: '1.2.3',
  protocol: 'openai-chat',
  drive: 'acp',
  turns: 2,
  calls: 4,
  namesItsSession: false,
  recordingWrong: [],
  replayWrong: null,
  matched: {},
  missedBeside: 0,
  date: '2026-01-02',
}
const row = (result: Result): string => writeTable([result]).split('\n').at(-1) ?? ''

describe('the table of results', () => {
  it('says what held, what was not tried, and what went wrong', () => {
    expect(row(good)).toBe('| `a-chat` | 1.2.3 | openai-chat | ACP | 2, 4 | no | exact | not tried | 2026-01-02 |')
    expect(row({ ...good, replayWrong: [], missedBeside: 2 })).toContain('| same files; other requests unanswered: 2 |')
    expect(row({ ...good, recordingWrong: ['a | b', 'c'] })).toContain('| **2 wrong**: a \\| b |')
    expect(row({ ...good, replayWrong: ['hello.txt is not what it was'] })).toContain('**1 wrong**: hello.txt is not what it was')
  })
  it('takes the place of the table before it, and nothing else', () => {
    const document = readFileSync('docs/agents.md', 'utf8')
    const once = placeTable(document, 'TABLE')
    expect(placeTable(once, 'TABLE')).toBe(once)
    expect(once.split('TABLE')).toHaveLength(2)
    expect(once.slice(once.indexOf('<!-- real agents: end'))).toBe(document.slice(document.indexOf('<!-- real agents: end')))
    expect(() => placeTable('no marks', 'TABLE')).toThrow('lacks the lines')
  })
  it('of the documentation is the one that the kept results make, with every agent in it', () => {
    const document = readFileSync('docs/agents.md', 'utf8')
    const results = readResults()
    expect(placeTable(document, writeTable(results))).toBe(document)
    expect(results.map(result => result.name)).toEqual(
      realAgents.flatMap(agent => agent.variants.map(variant => nameOf({ agent, variant }))),
    )
    for (const agent of realAgents)
      expect(new Set(results.filter(result => result.name.startsWith(`${agent.id}-`)).map(result => result.version))).toContain(
        agent.version,
      )
  })
})

describe('the setup of real agents', () => {
  it('names no place of the machine it was written on, and every variant', () => {
    const text = writeSetupDocs()
    expect(text).not.toMatch(/\/(?:tmp|root|work|opt)\//)
    for (const agent of realAgents)
      for (const variant of agent.variants) expect(text).toContain(`**\`${nameOf({ agent, variant })}\`**`)
  })
})
