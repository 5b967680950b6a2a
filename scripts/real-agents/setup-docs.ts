// docs/real-agents.md: how each agent is told where its provider stands, derived from the same files that drive it.

import type { Place, RealAgent, Variant } from './agents/_agent.ts'
import { realAgents } from './agents/_all.ts'

/** What a person fills in. */
const place: Place = { base: '$BASE', key: '$KEY', home: '$HOME', workspace: '.', uuid: '$UUID' }

const introduction = `Two turns of one session with each of these were recorded by \`scripts/real-agents/main.ts\`; [agents.md](agents.md) has the results. This page is made
from the adapters that runs use as well (\`runner/agents/\`), so what stands here is what is run.

\`$BASE\` is the proxy's address with a session's or a trial's name: \`http://127.0.0.1:4000/s/my-session\`. \`$KEY\` is your provider's key, or any text with
the simulated provider. \`$UUID\` is a new UUID, \`$SESSION\` the id that the first turn printed. Close standard input (\`</dev/null\`) unless a prompt is
given on it: several agents read it to its end before they begin. The base URL stands in files and error messages of an agent: a token in it ends up there too.`

/** The text between heading and end. */
export function writeSetupDocs(): string {
  return [introduction, ...realAgents.map(writeAgent)].join('\n\n')
}

function writeAgent(agent: RealAgent): string {
  const shown = new Map<string, string>()
  return [
    `## ${agent.title}`,
    `\`npm install ${agent.npm}@${agent.version}\`, program \`${agent.program}\`.`,
    agent.traps.map(trap => `- ${trap}`).join('\n'),
    ...agent.variants.map(variant => writeVariant(agent, variant, shown)),
  ].join('\n\n')
}

function writeVariant(agent: RealAgent, variant: Variant, shown: Map<string, string>): string {
  const long: Array<readonly [string, string]> = Object.entries(variant.files?.(place) ?? {}).map(([path, text]) => [
    `~/${path}`,
    text,
  ])
  const short: string[] = []
  for (const [name, value] of Object.entries(variant.env(place))) {
    if (value.startsWith('{')) long.push([`$${name}`, value])
    else short.push(`export ${name}=${quote(value)}`)
  }
  const wire = `${variant.protocol ?? 'a protocol of its own'}${variant.transport === undefined ? '' : ' over a WebSocket'}`
  const commands = [...short, ...writeCommands(agent, variant)]
  return [
    `**\`${agent.id}-${variant.id}\`**: ${wire}${variant.oneTurn === undefined ? '' : `; one turn only: ${variant.oneTurn}`}`,
    ...long.map(([name, text]) => writeLong(name, text, `${agent.id}-${variant.id}`, shown)),
    fence('sh', commands.join('\n')),
  ].join('\n\n')
}

/** A text that was shown already is named, not repeated. */
function writeLong(name: string, text: string, variant: string, shown: Map<string, string>): string {
  const before = shown.get(`${name}\n${text}`)
  if (before !== undefined) return `\`${name}\` as in \`${before}\`.`
  shown.set(`${name}\n${text}`, variant)
  const isJson = text.startsWith('{')
  const language = isJson ? 'json' : (/\.(\w+)$/.exec(name)?.[1] ?? 'text')
  return `\`${name}\`:\n\n${fence(language, isJson ? JSON.stringify(JSON.parse(text), null, 2) : text.trimEnd())}`
}

function writeCommands({ program }: RealAgent, { drive, prepare }: Variant): string[] {
  const before = prepare?.(place)
  const prepared = before === undefined ? [] : [`printf %s ${quote(before.stdin ?? '')} | ${[program, ...before.args].join(' ')}`]
  if (drive.kind === 'acp')
    return [...prepared, `${[program, ...drive.args(place).map(quote)].join(' ')}   # ACP on standard input and output`]
  if (drive.kind === 'lines') {
    const command = [program, ...drive.args(place).map(quote)].join(' ')
    return [...prepared, `${command}   # takes a line per turn: ${drive.line('PROMPT')}`]
  }
  const write = (session: string | null): string => {
    const { args, stdin } = drive.turn(place, '$PROMPT', session)
    const command = [program, ...args.map(quote)].join(' ')
    return stdin === undefined ? `${command} </dev/null` : `${command} <<<"$PROMPT"`
  }
  const session = drive.readSession === undefined ? place.uuid : '$SESSION'
  const [first, next] = [write(null), write(session)]
  if (first === next) return [...prepared, `${first}   # both turns`]
  return [...prepared, first, next]
}

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

function quote(value: string): string {
  if (/^[\w@%+=:,./-]+$/.test(value)) return value
  return `"${value.replaceAll('"', '\\"')}"`
}
