// The contract of a command: what help says about it, and what it does. cli/program.ts turns it into a commander command.
// A command returns its exit status (0, or 1 when something it checked did not hold) and throws TurnpikeError for the rest.

import type { Config } from '../../core/config.ts'
import type { Json } from '../../core/types.ts'

/** An option that is no configuration key. */
export interface OptionSpec {
  /** As commander wants it: `--raw <side>`. */
  readonly flags: string
  readonly meaning: string
  readonly choices?: readonly string[]
}

export interface CommandContext {
  /** Positional arguments, in order. */
  readonly arguments: readonly string[]
  /** Values of the command's own options, by their camel-cased name. */
  readonly options: Readonly<Record<string, unknown>>
  readonly config: Config
  /** The configuration again, with `base` (values by key name) instead of environment and file; flags given still win. */
  readonly reconfigure: (base: Readonly<Record<string, Json>>) => Config
  readonly json: boolean
  readonly verbose: boolean
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly output: Output
}

export interface Output {
  /** Standard error is a terminal. */
  readonly isTty: boolean
  readonly isStdoutTty: boolean
  readonly columns: number
  readonly useColour: boolean
  /** Standard output: results only. Resolves when the bytes have been taken. */
  readonly write: (data: string | Uint8Array) => Promise<void>
  /** One JSON document or JSON line. */
  readonly writeJson: (value: Json | object) => Promise<void>
  /** Standard error: progress, warnings, where things lie. One line. */
  readonly note: (line: string) => void
  /** For views that redraw themselves. */
  readonly stderr: NodeJS.WriteStream
}

export type CommandGroup = 'Record and run' | 'Look into the store' | 'Derive' | 'Set up'

export interface CommandSpec {
  /** With its arguments: `show <ref>`. */
  readonly usage: string
  readonly group: CommandGroup
  readonly summary: string
  /** Further paragraphs of help. */
  readonly description?: string
  /** Names of the configuration keys that are flags of this command, besides `store`. */
  readonly keys?: readonly string[]
  readonly options?: readonly OptionSpec[]
  readonly examples: readonly string[]
  readonly run: (context: CommandContext) => Promise<number>
}
