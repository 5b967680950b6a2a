// What an agent is asked to do, as task formats read it and the runner plays it: turns, verifiers, and the place it needs.
// Plain data. Everything optional is absent in the simplest format, and then means what its comment says.

import type { JsonObject } from './types.ts'

/** A directory on this machine whose files go into an environment. Links that lead out of it are refused when it is read. */
export interface FileTree {
  readonly directory: string
  /** Absolute path inside the environment, or relative to the workspace. */
  readonly to: string
  /** An agent has left it: links stay as they are, wherever they lead. Absent: one that leads out is a mistake in the task. */
  readonly keepsLinks?: boolean
}

export interface NetworkPolicy {
  /** `none`: not even the proxy. `proxy`: the proxy and nothing else. `allow-list`: the proxy and `hosts`. `public`: everything. */
  readonly mode: 'none' | 'proxy' | 'allow-list' | 'public'
  /** Host names, `*.suffix`, addresses and CIDR ranges; only with `allow-list`. */
  readonly hosts: readonly string[]
}

/** Run again and again until it succeeds: is what the task needs up? */
export interface Healthcheck {
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly startPeriodMs: number
  readonly startIntervalMs: number
  readonly retries: number
}

/** The place a task needs. A task without one works anywhere. */
export interface TaskEnvironment {
  /** Built from a directory with a Dockerfile, or by name; null = the environment's default image. */
  readonly image:
    | { readonly kind: 'build'; readonly context: string; readonly dockerfile: string }
    | { readonly kind: 'name'; readonly name: string }
    | null
  readonly cpus: number | null
  readonly memoryMb: number | null
  readonly storageMb: number | null
  readonly network: NetworkPolicy
  readonly env: Readonly<Record<string, string>>
  /** Where commands run and the agent works; null = the image's own. */
  readonly workdir: string | null
  readonly healthcheck: Healthcheck | null
  readonly buildTimeoutMs: number
}

/** A file or directory kept with the results after the agent has worked. */
export interface Artifact {
  readonly source: string
  /** Relative path in the results; null = the source without its leading slash. */
  readonly destination: string | null
  readonly exclude: readonly string[]
}

/** Where a verifier's reward stands when its command has ended: reward.json or reward.txt in `directory`; the exit status then means nothing. */
export interface RewardFiles {
  readonly directory: string
}

export interface Verifier {
  /** Files written into the environment after the agent is dead and removed again before the next turn: path -> text. */
  readonly files: Readonly<Record<string, string>>
  /** argv run in the workspace; exit 0 = passed unless it writes test results (see docs/tasks.md). Empty = nothing verifies the turn. */
  readonly command: readonly string[]
  readonly timeoutMs: number
  /** As `files`, from directories; later ones replace files of earlier ones. */
  readonly trees?: readonly FileTree[]
  readonly env?: Readonly<Record<string, string>>
  /** User inside the environment; absent = the environment's own. */
  readonly user?: string
  /** What can be reached while it runs; absent = what the task's environment says. */
  readonly network?: NetworkPolicy
  /** Absent: passed by exit status or test results. */
  readonly reward?: RewardFiles
  /** Runs in an environment of its own that sees only artifacts; absent = a copy of the agent's. */
  readonly separate?: TaskEnvironment
  /** Commands run in the agent's environment before artifacts are taken. */
  readonly collect?: ReadonlyArray<{ readonly command: readonly string[]; readonly timeoutMs: number; readonly user?: string }>
}

/** How a turn is solved by its author. */
export interface Solution {
  readonly command: readonly string[]
  readonly trees: readonly FileTree[]
  readonly env: Readonly<Record<string, string>>
}

export interface TaskTurn {
  /** 1-based. */
  readonly index: number
  readonly instruction: string
  readonly verifier: Verifier
  /** argv that solves the turn, for the `oracle` agent; null when there is none. */
  readonly solution: readonly string[] | null
  readonly timeoutMs: number | null
  /** The author's name for it (`round-1`); absent = `turn-<index>`. */
  readonly name?: string
  /** What `solution` needs beside it. */
  readonly solutionFiles?: Pick<Solution, 'trees' | 'env'>
  /** Files that come into the workspace before the turn, and a command run there; both before the agent. */
  readonly setup?: { readonly trees: readonly FileTree[]; readonly command: readonly string[] | null }
  readonly healthcheck?: Healthcheck
  /** User and network of the agent in this turn. */
  readonly agentUser?: string
  readonly agentNetwork?: NetworkPolicy
  /** Rewards needed to go on, by key. */
  readonly rewardMin?: Readonly<Record<string, number>>
  readonly artifacts?: readonly Artifact[]
}

export interface Task {
  readonly id: string
  readonly title: string
  /** Files of the workspace before turn 1: relative path -> text. */
  readonly files: Readonly<Record<string, string>>
  readonly turns: readonly TaskTurn[]
  /** Where it was read from, for messages. */
  readonly source: { readonly file: string; readonly line: number }
  readonly environment?: TaskEnvironment
  /** As `files`, from directories. */
  readonly trees?: readonly FileTree[]
  /** How rewards of turns become one: absent = mean. */
  readonly rewardOf?: 'mean' | 'final'
  /** Free facts of the format, such as change types of a turn; copied into results, never interpreted. */
  readonly metadata?: JsonObject
}
