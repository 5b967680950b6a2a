// The contract of a task format: it reads files of people and gives back tasks, or says exactly where the file is wrong.
// It never touches an environment and never guesses a wrong value.

import type { TurnpikeError } from '../../core/errors.ts'
import type { Task } from '../../core/task.ts'

export interface LoadedTasks {
  readonly tasks: readonly Task[]
  /** Things that were passed over, such as unknown keys: `tasks.jsonl:3: unknown key "titel" (did you mean "title"?)`. */
  readonly warnings: readonly string[]
}

export interface LoadOptions {
  /** Variables that templates of a task are filled from; null = templates stay as they are written. */
  readonly environment: Readonly<Record<string, string | undefined>> | null
  /** Where a format's own tool differs from what it documents, do as the tool does. */
  readonly harborCompat: boolean
  /** Told of a wrong task of a file that holds several; the others are read on. Absent: the first wrong one ends the reading. */
  readonly onWrong?: (error: TurnpikeError) => void
}

export interface TaskFormat {
  /** The name of its file. */
  readonly id: string
  readonly title: string
  /** True when the path (a file or a directory) looks like this format. Looks at names and shape, does not judge the content. */
  readonly detect: (path: string, kind: 'file' | 'directory') => Promise<boolean>
  /** Every task under the path, in a stable order. Throws E_TASK_INVALID with file:line and key for a wrong value. */
  readonly load: (path: string, options: LoadOptions) => Promise<LoadedTasks>
}
