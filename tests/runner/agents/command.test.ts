import { expect, it } from 'vitest'
import type { AgentContext } from '../../../runner/agents/_adapter.ts'
import command from '../../../runner/agents/command.ts'

const template = {
  first: ['a', '{instruction}', '--x={model}:{workspace}'],
  next: ['a', '-c', '{instruction}'],
  stdin: '{session}|{unknown}|{instruction}',
  env: { U: '{base_url_openai}', H: '{home}', I: '{instruction}' },
}
const context: AgentContext = {
  spec: { id: 'command', model: 'm', command: template },
  workspace: '/w',
  home: '/h',
  token: 'tok',
  baseUrls: { root: 'R', anthropic: 'A', openai: 'O' },
  inImage: false,
}
const request = { instruction: 'do {token}', session: 's', continues: false, solution: null }

it('fills each placeholder once and leaves other braces alone', () => {
  expect(command.command(request, context)).toEqual({ argv: ['a', 'do {token}', '--x=m:/w'], stdin: 's|{unknown}|do {token}' })
  expect(command.env(context)).toEqual({ U: 'O', H: '/h', I: '{instruction}' })
})

it('uses the second template to continue', () => {
  expect(command.command({ ...request, continues: true }, context)?.argv).toEqual(['a', '-c', 'do {token}'])
  expect(command.resumes(context.spec)).toBe(true)
  expect(command.resumes({ id: 'command', model: null, command: { ...template, next: null } })).toBe(false)
})

it('is started for a whole conversation, and for the rest of one, by the other drivers', () => {
  const of = (driver: 'acp' | 'stream-json', change: object) => ({
    ...{ id: 'command', model: 'm', driver },
    command: { ...template, first: ['a', '{model}'], next: null, stdin: null, ...change },
  })
  const lines = of('stream-json', { next: ['a', '--resume', '{session}'] })
  const where = { ...context, spec: lines }
  expect(command.refuse(lines)).toBeNull()
  expect(command.serve('stream-json', where, null)).toEqual({ argv: ['a', 'm'] })
  expect(command.serve('stream-json', where, 's1')).toEqual({ argv: ['a', '--resume', 's1'] })
  const acp = of('acp', {})
  expect(command.refuse(acp)).toBeNull()
  expect([acp, lines].map(spec => command.resumes(spec))).toEqual([true, true])
  expect(command.serve('acp', { ...context, spec: acp }, 's1')).toEqual({ argv: ['a', 'm'] })
})

it.each([
  [{ first: ['a', '{instruction}'] }, 'take {instruction} out'],
  [{ next: ['a', '-p={instruction}'] }, 'take {instruction} out'],
  [{ stdin: 'x' }, 'take stdin out'],
  [{ first: ['a', '{session}'] }, 'take it out of first'],
  [{ next: ['a', '{session}'] }, 'take next out'],
])('refuses %o where one process is asked over its pipes', (change, hint) => {
  const plain = { first: ['a'], next: null, stdin: null, env: {} }
  expect(command.refuse({ id: 'command', model: null, driver: 'acp', command: { ...plain, ...change } })).toContain(hint)
  expect(command.refuse({ id: 'command', model: null, command: { ...plain, ...change } })).toBeNull()
})
