// Which commands are loaded for which words: the one that is named, or all where any might be meant.

import { describe, expect, it } from 'vitest'
import { loadCommands } from '../../../cli/commands/_all.ts'

const namesFor = async (argv: readonly string[]): Promise<string[]> =>
  (await loadCommands(argv)).map(spec => spec.usage.split(' ', 1)[0] ?? '')

describe('loading commands', () => {
  it('loads the named one alone, each under the name it is called by', async () => {
    const all = await namesFor([])
    expect(all.length).toBeGreaterThan(10)
    for (const name of all) expect(await namesFor([name, 'proxy', '--help'])).toEqual([name])
  })

  it.each([['--help'], ['help', 'convert'], ['--store', 'convert', 'runs'], ['convrt'], ['toString'], ['']])(
    'loads all for %s %s %s, so that help and suggestions are whole',
    async (...argv) => {
      expect(await namesFor(argv)).toEqual(await namesFor([]))
    },
  )
})
