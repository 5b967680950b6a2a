// `turnpike verify`: does reading give back what was recorded? Every hash is derived again; exit 1 when one does not hold.

import type { VerifyReport } from '../../store/_adapter.ts'
import { useStore } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'

export const verifyCommand: CommandSpec = {
  usage: 'verify [ref]',
  group: 'Look into the store',
  summary: 'Check that every recorded byte is still what it was',
  description:
    'Reads every body of the run, trial, session or exchange (or of the whole store) and derives its hashes again.\n' +
    'Exit status 1 when something is wrong; it is listed.',
  examples: ['turnpike verify', 'turnpike verify latest --json'],
  run: context =>
    useStore(context, { readOnly: true }, async store => {
      const [name] = context.arguments
      const ref = name === undefined ? undefined : await store.resolveRef(name)
      const report = await store.verify(ref)
      if (context.json) await context.output.writeJson(toJson(report))
      else await context.output.write(describe(report))
      return report.bad.length === 0 ? 0 : 1
    }),
}

function toJson(report: VerifyReport): object {
  const { exchanges, pieces, bytesRaw, bytesStored, bad } = report
  return { exchanges, pieces, bytes_raw: bytesRaw, bytes_stored: bytesStored, bad }
}

function describe(report: VerifyReport): string {
  const facts = `${report.exchanges} exchanges, ${report.pieces} pieces, ${report.bytesRaw} bytes as sent in ${report.bytesStored} bytes on disk`
  if (report.bad.length === 0) return `all good: ${facts}\n`
  const lines = report.bad.map(({ exchange, what }) => `bad  ${exchange ?? '(store)'}  ${what}`)
  return `${[...lines, `${report.bad.length} problems: ${facts}`].join('\n')}\n`
}
