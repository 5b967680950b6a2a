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
