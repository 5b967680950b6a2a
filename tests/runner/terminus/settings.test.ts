import { expect, it } from 'vitest'
import terminus from '../../../runner/agents/terminus.ts'
import {
  defaultSettings,
  type GivenSettings,
  readSettings,
  refuseSettings,
  settingNames,
} from '../../../runner/terminus/settings.ts'

it('has defaults for everything, which null asks for too', () => {
  expect(readSettings({})).toEqual(defaultSettings)
  expect(readSettings(Object.fromEntries(settingNames.map(name => [name, null])))).toEqual(defaultSettings)
  expect(settingNames).toHaveLength(Object.keys(defaultSettings).length)
  expect(defaultSettings).toMatchObject({
    ...{ parser: 'json', maxTurns: 1_000_000, temperature: null, enableSummarize: true, proactiveSummarizationThreshold: 8_000 },
    ...{ paneWidth: 160, paneHeight: 40, contextLimit: 1_000_000 },
  })
})

it('takes each by its name', () => {
  const given = {
    parser: 'xml',
    max_turns: 3,
    temperature: 0.7,
    reasoning_effort: 'high',
    enable_summarize: false,
    tmux_pane_width: 80,
  }
  expect(refuseSettings(given)).toBeNull()
  expect(readSettings(given)).toEqual({
    ...defaultSettings,
    ...{ parser: 'xml', maxTurns: 3, temperature: 0.7, reasoningEffort: 'high', enableSummarize: false, paneWidth: 80 },
  })
})

it.each<[GivenSettings, RegExp]>([
  [{ parser: 'yaml' }, /one of json, xml for the setting parser, not "yaml"/],
  [{ max_turns: 0 }, /a whole number from 1/],
  [{ max_turns: 1.5 }, /a whole number/],
  [{ temperature: '1' }, /a number from 0 to 2 for the setting temperature, not "1"/],
  [{ temperature: Number.NaN }, /a number/],
  [{ enable_summarize: 'yes' }, /true or false/],
  [{ tmux_pane_widht: 80 }, /no setting "tmux_pane_widht"; did you mean "tmux_pane_width"/],
  [{ constructor: 1 }, /no setting "constructor"/],
])('refuses %o, before a run and in the program', (given, message) => {
  expect(refuseSettings(given)).toMatch(message)
  expect(terminus.refuse({ id: 'terminus', model: 'm', settings: given })).toMatch(message)
  expect(() => readSettings(given)).toThrow(message)
})
