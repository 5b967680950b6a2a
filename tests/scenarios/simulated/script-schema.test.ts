import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseScript } from '../../../scenarios/simulated/script.ts'
import { faultKeys, scriptSchema } from '../../../scenarios/simulated/script-schema.ts'

const docs = readFileSync(new URL('../../../docs/simulated-provider.md', import.meta.url), 'utf8')

describe('the script format', () => {
  it('has an example in its documentation that is valid', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? ''
    expect(parseScript(example, 'docs').rules).toHaveLength(2)
  })

  it.each(Object.entries(faultKeys))('documents fault %s with its keys', (kind, keys) => {
    const row = docs.split('\n').find(line => line.startsWith(`| \`${kind}\` |`))
    for (const key of keys) expect(row).toContain(`\`${key}\``)
  })

  it('says what each wrong value should be', () => {
    const problems = scriptSchema.problems({ version: 1, rules: [{ steps: [{ delay_ms: -1, stop: 'tool_uses' }] }] })
    expect(problems.map(problem => problem.path.join('.'))).toEqual(['rules.0.steps.0.stop', 'rules.0.steps.0.delay_ms'])
    expect(problems[0]?.message).toContain('did you mean "tool_use"')
  })
})
