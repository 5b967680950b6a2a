// Turns the list of commands into a commander program: grouped help with examples, flags made from the configuration keys.
// Parses and calls; prints nothing but help and never exits. Its errors are TurnpikeErrors like all others.

import { Command, CommanderError, Option } from 'commander'
import { readConfig } from '../core/config.ts'
import { type ConfigKey, configKeys } from '../core/config-keys.ts'
import { assert, TurnpikeError } from '../core/errors.ts'
import type { Json } from '../core/types.ts'
import type { CommandContext, CommandSpec } from './commands/_command.ts'

/** What a command gets from the process it runs in. */
export type Host = Pick<CommandContext, 'signal' | 'environment' | 'directory' | 'output'>

export interface Program {
  /** The exit status. */
  readonly run: (argv: readonly string[]) => Promise<number>
  /** For the documentation. */
  readonly command: Command
}

export function createProgram(host: Host, version: string, commands: readonly CommandSpec[]): Program {
  let status = 0
  const program = new Command('turnpike')
    .description('Records what coding agents say to their models, drives them turn after turn, and scores what came out.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show help, with examples')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addOption(keyOption('store'))
    .option('--config <file>', 'configuration file (default: ./turnpike.yaml when it is there)')
    .option('--json', 'print one JSON document on standard output (JSON lines for streams)')
    .option('--verbose', 'print more; with errors, where in the code they came from')
    .addHelpText('after', programHelp)
  quiet(program)
  for (const spec of commands) {
    program.commandsGroup(`${spec.group}:`)
    quiet(program.command(spec.usage, {}))
  }
  for (const [index, spec] of commands.entries()) {
    const command = program.commands[index]
    assert(command, `the command ${spec.usage} was added`)
    describeCommand(command, spec).action(async () => {
      status = await spec.run(makeContext(command, spec, host))
    })
  }
  const run = async (argv: readonly string[]): Promise<number> => {
    try {
      await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      if (error.exitCode === 0 || error.code === 'commander.help') return 0
      throw usageError(error, argv, commands)
    }
    return status
  }
  return { run, command: program }
}

const programHelp = `
First steps:
  $ turnpike proxy --simulated            a recording proxy with a simulated provider: no key, no network
  $ turnpike doctor                       is everything here that a run needs?
  $ turnpike init                         write an example turnpike.yaml and tasks

Exit status: 0 ok, 1 finished but something did not hold, 2 usage or configuration, 69 a dependency is unreachable,
70 a defect of Turnpike, 130 interrupted.`

/** Errors come back as exceptions, not as text on the terminal. */
function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ writeErr: () => {} })
}

function describeCommand(command: Command, spec: CommandSpec): Command {
  command.summary(spec.summary).description([spec.summary, ...(spec.description ? [spec.description] : [])].join('\n\n'))
  for (const name of spec.keys ?? []) command.addOption(keyOption(name))
  for (const { flags, meaning, choices } of spec.options ?? []) {
    const option = new Option(flags, meaning)
    command.addOption(choices ? option.choices(choices) : option)
  }
  return command.addHelpText('after', `\nExamples:\n${spec.examples.map(example => `  $ ${example}`).join('\n')}`)
}

function findKey(name: string): ConfigKey & { readonly flag: string } {
  const key = configKeys.find(candidate => candidate.name === name)
  assert(key?.flag, `the configuration key ${name} has a flag`)
  return { ...key, flag: key.flag }
}

/** Values are checked by readConfig, in one place for flags, variables and file; commander only knows the names. */
function keyOption(name: string): Option {
  const key = findKey(name)
  const facts = [
    ...(key.choices && key.choices.length > 1 ? [key.choices.join(' | ')] : []),
    ...(key.fallback === null || key.fallback === false || Array.isArray(key.fallback) ? [] : [`default ${key.fallback}`]),
  ]
  return new Option(key.flag, facts.length === 0 ? key.meaning : `${key.meaning} (${facts.join('; ')})`)
}

function makeContext(command: Command, spec: CommandSpec, host: Host): CommandContext {
  const options = command.optsWithGlobals<Record<string, unknown>>()
  const flags: Record<string, Json | undefined> = {}
  for (const name of ['store', ...(spec.keys ?? [])]) flags[name] = options[keyOption(name).attributeName()] as Json | undefined
  const file = typeof options['config'] === 'string' ? options['config'] : null
  return {
    ...host,
    arguments: command.args,
    options,
    config: readConfig({ directory: host.directory, file, environment: host.environment, flags }),
    reconfigure: base => readConfig({ directory: host.directory, file, environment: host.environment, base, flags }),
    json: options['json'] === true,
    verbose: options['verbose'] === true,
  }
}

/** `error: unknown option '--trils'\n(Did you mean --trials?)` as one of our own errors. */
function usageError(error: CommanderError, argv: readonly string[], commands: readonly CommandSpec[]): TurnpikeError {
  const [first = '', second = ''] = error.message.split('\n')
  const near = /\(Did you mean (.*)\?\)/i.exec(second)?.[1]
  const names = commands.map(spec => spec.usage.split(' ', 1)[0])
  // `harbor run` is a way of harbor.
  const name = argv.find(word => names.includes(word))
  const help = name === undefined ? 'turnpike --help' : `turnpike ${name} --help`
  const hint = near === undefined ? `${help} shows what there is` : `did you mean ${near}? ${help} shows what there is`
  return new TurnpikeError('E_USAGE', first.replace(/^error: /, ''), { hint })
}
