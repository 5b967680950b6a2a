// What a specification leaves open, decided the same way for every agent: protocol by the model's name, driver by the adapter's order.

import type { AgentAdapter, AgentDriver, AgentSpec } from './_adapter.ts'

const habits: ReadonlyArray<readonly [RegExp, string]> = [
  [/claude/i, 'anthropic-messages'],
  [/gemini/i, 'gemini'],
  [/(^|\/)(gpt-[5-9]|o\d|codex)/i, 'openai-responses'],
  [/./, 'openai-chat'],
]

/** The protocol asked for; else the one in which a model of that name is at home, if it is spoken here; else the first that is. */
export function chooseProtocol(spec: AgentSpec, spoken: readonly string[]): string {
  if (spec.protocol !== undefined) return spec.protocol
  const home = habits.find(([pattern]) => pattern.test(spec.model ?? ''))?.[1] ?? ''
  return spoken.includes(home) ? home : (spoken[0] ?? '')
}

export const chooseDriver = (spec: AgentSpec, agent: Pick<AgentAdapter, 'drivers'>): AgentDriver =>
  spec.driver ?? agent.drivers[0] ?? 'process'

/** For agents that need a model and nothing else; checks of driver and protocol are the grid's, the same for all. */
export const needModel = (spec: AgentSpec): string | null => (spec.model === null ? 'needs a model' : null)

/** Why an agent cannot work as its specification asks; null = it can. */
export function refuseChoice(spec: AgentSpec, agent: AgentAdapter): string | null {
  const { driver, protocol, version } = spec
  if (driver !== undefined && !agent.drivers.includes(driver))
    return `cannot be driven by ${driver}; it can by ${agent.drivers.join(', ')}`
  if (protocol !== undefined && !agent.protocols.includes(protocol))
    return `does not speak ${protocol}; it speaks ${agent.protocols.join(', ') || 'no protocol'}`
  if (version !== undefined && !hasVersions(agent)) return `has no versions to choose from; leave out @${version}`
  const [setting] = Object.keys(spec.settings ?? {})
  if (setting !== undefined && agent.hasSettings !== true)
    return `takes no settings such as ${setting}; results with one that was not applied could not be trusted`
  return agent.refuse(spec)
}

/** Our own programs are those of this Turnpike. */
export const hasVersions = ({ layer }: Pick<AgentAdapter, 'layer'>): boolean => layer !== null && layer.entry === undefined

/** Provider-neutral: what agents are told of a model they do not know. */
export const contextTokens = 200_000
export const outputTokens = 16_000

/** A string of TOML: what JSON writes is valid there. */
export const quoteToml = (text: string): string => JSON.stringify(text)
