import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTurnpikeError } from '../../core/errors.ts'
import { readYaml } from '../../core/yaml.ts'

const text = `# a comment
store: ./ledger

run:
  agents:
    - name: mini
      model: simulated-1
    - { name: oracle }
  empty:
"quoted key": 1
`

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (!isTurnpikeError(error)) throw error
    return `${error.code} ${error.message}`
  }
  throw new Error('nothing was thrown')
}

describe('readYaml', () => {
  it('gives plain data', () => {
    expect(readYaml(text, 'a.yaml').value).toEqual({
      store: './ledger',
      run: { agents: [{ name: 'mini', model: 'simulated-1' }, { name: 'oracle' }], empty: null },
      'quoted key': 1,
    })
  })

  it('reads JSON, tabs included, as what it is', () => {
    const value = { a: [1, -2.5e3, true, null, 'tab\tand "quote"'], b: { c: {} } }
    expect(readYaml(JSON.stringify(value, null, '\t'), 'a.json').value).toEqual(value)
    expect(readYaml(JSON.stringify(value), 'a.json').value).toEqual(value)
  })

  it('reads an empty text as null', () => {
    expect(readYaml('', 'a.yaml').value).toBeNull()
    expect(readYaml('# nothing\n', 'a.yaml').locate([])).toEqual({ line: 1, column: 1 })
  })

  it('reads any JSON value back unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), value => {
        const json = JSON.stringify(value)
        expect(readYaml(json, 'a.json').value).toEqual(JSON.parse(json))
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    [['store'], 'key', 2, 1],
    [['store'], 'value', 2, 8],
    [['run', 'agents', 0, 'model'], 'key', 7, 7],
    [['run', 'agents', 0, 'model'], 'value', 7, 14],
    [['run', 'agents', 1], 'value', 8, 7],
    [['run', 'agents', 1, 'name'], 'value', 8, 15],
    [['run', 'empty'], 'value', 9, 3],
    [['quoted key'], 'key', 10, 1],
  ] as const)('locates the %j (%s) at %i:%i', (path, part, line, column) => {
    expect(readYaml(text, 'a.yaml').locate(path, part)).toEqual({ line, column })
  })

  it('locates a path that does not exist at its nearest parent', () => {
    expect(readYaml(text, 'a.yaml').locate(['run', 'agents', 0, 'timeout', 'deeper'])).toEqual({ line: 6, column: 7 })
    expect(readYaml(text, 'a.yaml').locate(['run', 'agents', 7])).toEqual({ line: 6, column: 5 })
  })

  it('refuses with the code of whoever reads', () => {
    expect(messageOf(() => readYaml('{"id"', 'f.json', { code: 'E_SCRIPT_INVALID' }))).toMatch(
      /^E_SCRIPT_INVALID f\.json:1:\d+: /,
    )
  })

  it.each([
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n', /^E_CONFIG_INVALID f\.yaml:3:1: .*unique/],
    ['an unclosed bracket', 'a: [1, 2\nb: 3\n', /^E_CONFIG_INVALID f\.yaml:2:\d+: /],
    ['a tab as indentation', 'a:\n\tb: 1\n', /^E_CONFIG_INVALID f\.yaml:2:1: /],
    ['an unknown tag', 'a: !secret x\n', /^E_CONFIG_INVALID f\.yaml:1:4: .*!secret/],
    ['an alias to nothing', 'a: *nowhere\n', /^E_CONFIG_INVALID f\.yaml:1:\d+: .*nowhere/],
    ['two documents', 'a: 1\n---\nb: 2\n', /^E_CONFIG_INVALID f\.yaml:2:1: /],
  ])('refuses %s and says where', (_, broken, expected) => {
    expect(messageOf(() => readYaml(broken, 'f.yaml'))).toMatch(expected)
  })

  it('refuses a document whose aliases would explode', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef'].map(pair => [pair[0], pair[1]]))
      bomb.push(`${name}: &${name} [*${before},*${before},*${before},*${before},*${before},*${before},*${before},*${before}]`)
    expect(messageOf(() => readYaml(bomb.join('\n'), 'f.yaml'))).toMatch(/^E_CONFIG_INVALID .*alias/)
  })

  it('keeps a key named __proto__ as data', () => {
    const value = readYaml('{"__proto__": {"polluted": true}}', 'a.json').value
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
