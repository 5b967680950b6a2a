// `turnpike decode`: recorded bytes as calls with usage and cost. Other commands do it by themselves for what is new; with --again
// everything is decoded anew, for a new price book.

import { decodeNew } from '../derive.ts'
import { readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'

export const decodeCommand: CommandSpec = {
  usage: 'decode [ref]',
  group: 'Derive',
  summary: 'Decode recorded exchanges into calls with usage and cost',
  description:
    'Changes nothing that was recorded. Exchanges of protocols that cannot be decoded yet stay as they are and are counted.\n' +
    'Commands that need calls decode what is new by themselves.',
  keys: ['prices'],
  options: [{ flags: '--again', meaning: 'Also what is decoded already: for a new price book or decoder.' }],
  examples: ['turnpike decode', 'turnpike decode latest --again --prices my-prices.yaml'],
  run: context =>
    useStore(context, {}, async store => {
      const [name] = context.arguments
      const scopes = name === undefined ? 'all' : (await readScopes(store, name)).scopes
      const report = await decodeNew(store, context, scopes, { again: context.options['again'] === true })
      const { decoded, undecodable, reasons } = report
      if (context.json) {
        const told = reasons.map(({ exchangeId, reason }) => ({ id: exchangeId, reason }))
        await context.output.writeJson({ decoded, undecodable, reasons: told })
        return 0
      }
      await context.output.write(`${decoded} decoded, ${undecodable} undecodable\n`)
      for (const { exchangeId, reason } of reasons) context.output.note(`${exchangeId}  ${reason}`)
      return 0
    }),
}
