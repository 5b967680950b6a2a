// The programs of real agents: their packages, the versions they were tried with, and what each needs beside itself. The one place where
// versions are pinned; `--agent NAME@VERSION` asks for another.

import type { AgentLayer } from './_adapter.ts'

interface Program {
  readonly npm: string
  readonly version: string
  /** Its name in node_modules/.bin. */
  readonly program: string
  /** Null: a native program that needs no Node. */
  readonly nodeMajor: number | null
  readonly systemPackages?: readonly string[]
}

const programs = {
  'claude-code': { npm: '@anthropic-ai/claude-code', version: '2.1.329', program: 'claude', nodeMajor: null },
  opencode: { npm: 'opencode-ai', version: '1.18.33', program: 'opencode', nodeMajor: null },
  codex: { npm: '@openai/codex', version: '0.169.0', program: 'codex', nodeMajor: 24 },
  'qwen-code': { npm: '@qwen-code/qwen-code', version: '0.24.4', program: 'qwen', nodeMajor: 24 },
  'gemini-cli': { npm: '@google/gemini-cli', version: '0.61.0', program: 'gemini', nodeMajor: 24 },
  kilo: { npm: '@kilocode/cli', version: '7.7.7', program: 'kilo', nodeMajor: 24 },
  kimi: { npm: '@moonshot-ai/kimi-code', version: '2.1.0', program: 'kimi', nodeMajor: 24 },
  pi: { npm: '@earendil-works/pi-coding-agent', version: '0.87.1', program: 'pi', nodeMajor: 24 },
  copilot: { npm: '@github/copilot', version: '1.0.102', program: 'copilot', nodeMajor: 24 },
  grok: { npm: '@xai-official/grok', version: '1.0.41', program: 'grok', nodeMajor: 24 },
  cn: { npm: '@continuedev/cli', version: '1.5.47', program: 'cn', nodeMajor: 24 },
  cline: { npm: 'cline', version: '3.0.65', program: 'cline', nodeMajor: 24 },
  // Without `ps` every command it runs is killed.
  droid: { npm: 'droid', version: '0.215.0', program: 'droid', nodeMajor: null, systemPackages: ['procps'] },
} as const satisfies Record<string, Program>

/** The layer of an agent of the table, in the version that it was tried with. */
export function layerOf(id: keyof typeof programs): AgentLayer & { readonly program: string } {
  const { npm, version, program, nodeMajor, systemPackages = [] }: Program = programs[id]
  return { id, version, packages: [{ name: npm, version }], nodeMajor, systemPackages, programs: [program], program }
}

/** The same agent in another version of its first package. */
export function pinLayer(layer: AgentLayer, version: string | undefined): AgentLayer {
  if (version === undefined) return layer
  const [first, ...rest] = layer.packages
  return first === undefined ? layer : { ...layer, version, packages: [{ ...first, version }, ...rest] }
}
