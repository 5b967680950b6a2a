import { expect, it } from 'vitest'
import { checkModels } from '../../cli/model-check.ts'
import { parseRoutes } from '../../proxy/routes.ts'

const models = `version: 1
providers:
  one: { key_env: ONE_KEY, endpoints: { openai-chat: { base_url: 'https://one.example/v1' } } }
routes:
  - { model: 'known-*', provider: one }
`
const agent = (id: string, model: string | null) => ({ id, model })

it('throws for a key that is not set, warns of a model nobody knows, and asks nothing of agents without a model', () => {
  const keyless = parseRoutes(models, 'models.yaml', {})
  expect(() => checkModels([agent('mini', 'known-1')], keyless)).toThrow(
    expect.objectContaining({ code: 'E_KEY_MISSING', message: expect.stringContaining('ONE_KEY') }),
  )
  expect(checkModels([agent('oracle', null), agent('nop', 'known-1'), agent('command', null)], keyless)).toEqual([])
  expect(checkModels([agent('command', 'known-1')], keyless)).toEqual([expect.stringContaining('ONE_KEY')])
  const keyed = parseRoutes(models, 'models.yaml', { ONE_KEY: 'k' })
  expect(checkModels([agent('mini', 'known-1')], keyed)).toEqual([])
  expect(checkModels([agent('mini', 'other'), agent('terminus', 'other')], keyed)).toEqual([expect.stringContaining('other')])
})
