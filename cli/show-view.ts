// `turnpike show` for people: a line per call, and below it what was new in it and what was answered.

import pc from 'picocolors'
import type { Exchange } from '../core/types.ts'
import type { Ref } from '../store/_adapter.ts'
import type { Output } from './commands/_command.ts'
import { writeTime } from './listing.ts'
import { describeMessage } from './message-json.ts'
import type { ShownCall, ShownScope } from './shown-calls.ts'

type Colours = ReturnType<typeof pc.createColors>

export function describeShown(ref: Ref, scopes: readonly ShownScope[], output: Output): string {
  const colours = pc.createColors(output.useColour)
  const width = Math.max(60, output.columns) - 8
  const head = colours.bold(`${ref.kind} ${ref.name}${ref.name === ref.id ? '' : `  ${ref.id}`}`)
  const body = scopes.flatMap(scope => [
    ...scope.calls.flatMap(shown => describeCall(shown, colours, width)),
    ...scope.other.map(exchange => colours.dim(describeExchange(exchange))),
  ])
  const lines = [head, ...(body.length === 0 ? ['nothing recorded'] : body)]
  if (ref.kind === 'exchange') lines.push(...scopes.flatMap(scope => describeHeaders(scope)))
  return `${lines.join('\n')}\n`
}

/** Attempts upstream whose answers were not passed on. */
export function describeAttempts(attempts: readonly Exchange[]): string {
  if (attempts.length === 0) return ''
  const lines = attempts.map(attempt => {
    const ms = attempt.endedAt === null ? '–' : Math.round(attempt.endedAt - attempt.startedAt)
    return `${attempt.id}  ${showEnd(attempt)}  ${ms} ms${attempt.failure === null ? '' : `  ${attempt.failure.message}`}`
  })
  return `sent again after:\n${lines.map(line => `    ${line}\n`).join('')}`
}

function describeCall(shown: ShownCall, colours: Colours, width: number): string[] {
  const { exchange, call, decoded, undecodable, messagesNew } = shown
  const where = exchange.turn === null ? '' : `turn ${exchange.turn} attempt ${exchange.attempt ?? '–'}`
  const usage = call?.usage
  const tokens = usage ? `${usage.input ?? '?'} in, ${usage.cachedRead ?? '?'} cached, ${usage.output ?? '?'} out` : 'no usage'
  const model = call?.modelAnswered ?? call?.modelAsked ?? '(no model)'
  const facts = [where, model, showEnd(exchange), tokens].filter(fact => fact !== '').join('  ')
  const bad = exchange.outcome !== 'complete' || (exchange.status ?? 0) >= 400
  const head = `${exchange.id}  ${bad ? colours.red(facts) : facts}`
  const answer = decoded?.answer ? describeMessage(decoded.answer.message, width) : []
  const error = call?.error ?? decoded?.answer?.error ?? null
  return [
    head,
    ...messagesNew.flatMap(message => describeMessage(message, width)).map(line => `    ${line}`),
    ...answer.map(line => `    ${colours.cyan(line)}`),
    ...(error === null ? [] : [`    ${colours.red(`error ${error.type}: ${error.message}`)}`]),
    ...describeFailure(exchange, error?.message ?? '').map(line => `    ${colours.red(line)}`),
    ...(undecodable === null ? [] : [`    ${colours.dim(`not decoded: ${undecodable}`)}`]),
  ]
}

/** What ended it, where the answer does not say so itself: a cut, a fault on purpose. */
function describeFailure({ failure }: Exchange, said: string): string[] {
  return failure === null || said.includes(failure.message) ? [] : [`${failure.code}: ${failure.message}`]
}

function describeExchange(exchange: Exchange): string {
  return `${exchange.id}  ${exchange.method} ${exchange.path}  ${showEnd(exchange)}`
}

function showEnd(exchange: Exchange): string {
  const ms = exchange.endedAt === null ? '' : `  ${Math.round(exchange.endedAt - exchange.startedAt)} ms`
  const outcome = exchange.outcome === 'complete' ? '' : ` ${exchange.outcome}`
  return `${exchange.status ?? 'no status'}${outcome}${ms}`
}

function describeHeaders(scope: ShownScope): string[] {
  return [...scope.calls.map(call => call.exchange), ...scope.other].flatMap(exchange => [
    '',
    `${exchange.method} ${exchange.path}${exchange.query === '' ? '' : `?${exchange.query}`}  ${writeTime(exchange.startedAt)}`,
    ...exchange.requestHeaders.map(([name, value]) => `> ${name}: ${value}`),
    ...(exchange.responseHeaders ?? []).map(([name, value]) => `< ${name}: ${value}`),
  ])
}
