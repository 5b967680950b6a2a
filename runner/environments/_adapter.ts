// The contract of an environment: the place where a trial's agent and verifiers work. All paths are absolute inside it.
// "The command failed" is a result; "the environment is broken" is a TurnpikeError E_ENVIRONMENT_FAILED and never a score.

import type { Readable, Writable } from 'node:stream'
import type { FileTree, NetworkPolicy, TaskEnvironment } from '../../core/task.ts'
import type { AgentLayer } from '../agents/_adapter.ts'
import type { ExecResult } from '../processes.ts'

export interface EnvironmentSpec {
  readonly trialId: string
  /** Program search path inside; null = the environment's own default. */
  readonly path: string | null
  /** What the task asks for; null = anything. An adapter that cannot give it refuses in `open` and names what is missing. */
  readonly place: TaskEnvironment | null
  /** The agent's own programs, laid over the place once and kept for later trials; null = it needs none. */
  readonly layer: AgentLayer | null
  /** Where the layer stands on this machine, made before; null or absent = its programs are expected in the place itself. */
  readonly layerDirectory?: string | null
  readonly runId: string
  /** Paths of this machine that no command of the trial may see, where the environment can prevent it: the record, the task's own files. */
  readonly hides?: readonly string[]
  /** `none` forgoes what isolation an environment could do without; absent = the strongest that works here. */
  readonly isolation?: 'none'
  /** `kept`: what a command leaves running when it has ended lives on, into verifications as well (Harbor's way). Absent = it is ended. */
  readonly survivors?: 'kept'
  /** Absent = as many as honest work may need. */
  readonly processesMax?: number
  /** Base URL of the proxy on this machine, which the agent must be able to reach whatever the network policy (unless `none`). */
  readonly proxyUrl: string
  /** The workspace path of the trial that goes on here: an adapter whose paths differ from trial to trial takes the same again. */
  readonly workspacePath?: string
}

export interface ExecOptions {
  /** Added to the environment's own variables; nothing comes from the host. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the workspace. */
  readonly cwd?: string
  readonly stdin?: string
  readonly timeoutMs: number | null
  readonly signal: AbortSignal
  /** Name or number; absent = the environment's own. */
  readonly user?: string
}

/** A command that talks: its end is known by `ended`. `end` ends it and everything it has started. */
export interface RunningCommand {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves once; `stdout` of the result is empty, it was read by whoever talks. */
  readonly ended: Promise<ExecResult>
  readonly end: (why: 'timed-out' | 'interrupted' | 'exited') => Promise<void>
}

export interface FileRead {
  readonly text: string
  readonly modifiedAtMs: number
}

/** A directory with a name nobody can guess, outside workspace and home. */
export interface Scratch {
  readonly path: string
  /** Empty directories in it. */
  readonly home: string
  readonly temporary: string
}

/** States of the workspace that a policy may return to: before turn 1, and after the last turn that passed. */
export type KeptState = 'start' | 'passed'

export interface Environment {
  readonly workspace: string
  readonly home: string
  /** Where the home lies on this machine, for the runner to read; absent where it does not. */
  readonly homeDirectory?: string
  /** What holds commands in: recorded with the trial. */
  readonly isolation: 'container' | 'sandbox' | 'none'
  /** Runs a command to its end. When this resolves, no process that it started is alive. */
  readonly exec: (argv: readonly string[], options: ExecOptions) => Promise<ExecResult>
  /** Starts a command whose input and output stay open; null result of nothing: it throws E_ENVIRONMENT_FAILED like exec. */
  readonly spawn: (argv: readonly string[], options: Omit<ExecOptions, 'stdin'>) => Promise<RunningCommand>
  /**
   * Makes every process of the trial stand still until `thaw`. Ends of commands and `endProcesses` leave alone what stands still: it can read
   * and write nothing. Absent where it cannot be done.
   */
  readonly freeze?: () => Promise<void>
  readonly thaw?: () => Promise<void>
  /** Ends every process of the trial, however it has detached itself; the number of those found. */
  readonly endProcesses: () => Promise<number>
  /** Programs and start files of the system that are not what they were when the place was opened. Absent where none can be written. */
  readonly listReplaced?: () => Promise<readonly string[]>
  /** Writes files below a directory of the environment, replacing whatever stands there; never through a symbolic link below it. */
  readonly writeFiles: (directory: string, files: Readonly<Record<string, string>>) => Promise<void>
  /** Copies directories in, modes and links kept, owned by the user named; later trees replace files of earlier ones. */
  readonly copyIn: (trees: readonly FileTree[], owner?: string) => Promise<void>
  /** Copies a file or directory out into a directory of this machine; false when it is not there. Never more than `bytesMax`. */
  readonly copyOut: (
    path: string,
    directory: string,
    limits: { readonly bytesMax: number; readonly exclude: readonly string[] },
  ) => Promise<boolean>
  /** Empties directories, making them where they are missing; never follows a link out of them. */
  readonly empty: (paths: readonly string[], owner?: string) => Promise<void>
  /** Changes what can be reached from now on. Throws E_ENVIRONMENT_FAILED where the adapter cannot. */
  readonly setNetwork: (policy: NetworkPolicy) => Promise<void>
  /** Null when it does not exist or is no regular file. At most `bytesMax` bytes. */
  readonly readFile: (path: string, bytesMax: number) => Promise<FileRead | null>
  readonly makeScratch: () => Promise<Scratch>
  readonly removeScratch: (scratch: Scratch) => Promise<void>
  /** By the clock that dates the files of the place: no file that is written from now on is older. */
  readonly tellTime: () => Promise<number>
  /**
   * Ends every process and begins the copy for the next `onCopy`, beside whatever only reads. Work that changes the place after all takes it
   * back. Absent where copies take no time to speak of.
   */
  readonly beginCopy?: () => Promise<void>
  /** Runs `work` on a throw-away copy that stands in the workspace's place; afterwards the workspace is what it was, untouched. */
  readonly onCopy: <T>(work: () => Promise<T>) => Promise<T>
  /** Remembers the workspace as it is now under a name; a later state of the same name replaces it. */
  readonly keep: (name: KeptState) => Promise<void>
  /** Makes the workspace what it was when it was last kept under the name. */
  readonly rollBack: (name: KeptState) => Promise<void>
  /** A directory on this machine that holds the workspace as it is now, for snapshots. Only to be read. */
  readonly exportWorkspace: () => Promise<string>
  /** The same URL as it must be written inside the environment to reach this machine. */
  readonly hostUrl: (url: string) => string
  /** Ends what runs and removes everything. */
  readonly close: () => Promise<void>
}

export interface EnvironmentAdapter {
  readonly id: string
  readonly title: string
  /** What it can give a task; the plan of a run refuses tasks that need more. */
  readonly gives: { readonly images: boolean; readonly limits: boolean; readonly networks: readonly NetworkPolicy['mode'][] }
  /** True when workspace and home are all that ends with the place: put back, they are the trial as it was. */
  readonly keepsAllInTree?: boolean
  /** Why it cannot be used on this machine and what to do about it; null = it can. For `turnpike doctor` and before a run. */
  readonly probe: () => Promise<{ readonly what: string; readonly hint: string } | null>
  /** Throws E_ENVIRONMENT_FAILED when it cannot be opened. */
  readonly open: (spec: EnvironmentSpec, signal: AbortSignal) => Promise<Environment>
  /** Ends and removes what trials of a killed Turnpike have left on this machine. */
  readonly sweep: (trialIds: readonly string[]) => Promise<void>
}
