// The proxy of a run serves its trials and nobody else; what its budgets refuse stays refused.
import { expect, it } from 'vitest'
import { TurnpikeError } from '../../core/errors.ts'
import type { Scope } from '../../core/types.ts'
import { refuseStrangers } from '../../proxy/strangers.ts'

const asked = (kind: Scope['kind']) => ({
  resolved: { scope: { kind, id: 'x' }, turn: null, attempt: null, ownKey: kind === 'trial' },
  protocol: null,
  method: 'POST',
  path: '/v1/messages',
})

it('refuses what came without the token of a trial, before a budget is asked', async () => {
  const seen: string[] = []
  const admit = refuseStrangers(async ({ resolved }) => {
    seen.push(resolved.scope.kind)
    return null
  })
  expect(await admit(asked('session'))).toMatchObject({
    code: 'E_TOKEN_UNKNOWN',
    message: 'POST /v1/messages came without the token of a running trial',
  })
  expect(await admit(asked('trial'))).toBeNull()
  expect(seen).toEqual(['trial'])
})

it('leaves a refusal of the budget as it is, and does without one', async () => {
  const spent = new TurnpikeError('E_BUDGET_COST', 'spent')
  expect(await refuseStrangers(async () => spent)(asked('trial'))).toBe(spent)
  expect(await refuseStrangers()(asked('trial'))).toBeNull()
})
