// Every command, in the order of help. Adding one is one file and one line here. Each is loaded when it is asked for: a command must not
// wait for what the others need.

import type { CommandSpec } from './_command.ts'

const commandFiles: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  proxy: async () => (await import('./proxy.ts')).proxyCommand,
  import: async () => (await import('./import.ts')).importCommand,
  run: async () => (await import('./run.ts')).runCommand,
  harbor: async () => (await import('./harbor.ts')).harborCommand,
  sessions: async () => (await import('./sessions.ts')).sessionsCommand,
  runs: async () => (await import('./runs.ts')).runsCommand,
  trials: async () => (await import('./trials.ts')).trialsCommand,
  show: async () => (await import('./show.ts')).showCommand,
  tree: async () => (await import('./tree.ts')).treeCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  decode: async () => (await import('./decode.ts')).decodeCommand,
  convert: async () => (await import('./convert.ts')).convertCommand,
  score: async () => (await import('./score.ts')).scoreCommand,
  costs: async () => (await import('./costs.ts')).costsCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  agents: async () => (await import('./agents.ts')).agentsCommand,
  tasks: async () => (await import('./tasks.ts')).tasksCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  init: async () => (await import('./init.ts')).initCommand,
}

/** The command that these words begin with; all of them for any other words (help, options first, a mistyped name) but the version's. */
export async function loadCommands(argv: readonly string[]): Promise<CommandSpec[]> {
  const [name = ''] = argv
  if (name === '--version') return []
  const files = Object.hasOwn(commandFiles, name) ? [commandFiles[name]] : Object.values(commandFiles)
  return Promise.all(files.flatMap(load => (load === undefined ? [] : [load()])))
}
