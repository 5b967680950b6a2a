// Configuration keys about agents: which are measured, and where their programs are kept. Data only; core/config-keys.ts has them among
// all the others.

export const agentKeys = [
  {
    name: 'run.agents',
    flag: '--agent <name...>',
    kind: 'agents',
    fallback: [],
    meaning:
      'The agents to measure: names, `name@version` for another version of its program, or in a file mappings with `name`, `model`, `version`, `driver`, `protocol`, `settings` and, for the agent `command`, `command`.',
  },
  {
    name: 'agents.directory',
    flag: '--agents-dir <dir>',
    kind: 'path',
    fallback: null,
    meaning:
      "Where programs of agents are kept, installed once per version; `turnpike/agents` in the user's cache when left out.",
  },
] as const
