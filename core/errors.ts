// The coded errors: every failure a person can meet has a code, an exit status and a hint. docs/errors.md documents each
// (a test holds the two together). Codes are append-only and never reused. Product code throws nothing else.

interface ErrorKind {
  /** Process exit status: 1 finished with failures, 2 usage or config, 69 dependency unreachable, 70 our bug, 130 interrupted. */
  readonly exit: 1 | 2 | 69 | 70 | 130
  /** What to try; the thrower may sharpen it. */
  readonly hint: string
}

export const errorCatalogue = {
  E_BUG: { exit: 70, hint: 'this is a defect of Turnpike; run again with --verbose and report what it prints' },
  E_INTERRUPTED: { exit: 130, hint: 'run the same command again; what was finished is kept in the store' },
  E_USAGE: { exit: 2, hint: 'run the command with --help' },
  E_CONFIG_INVALID: { exit: 2, hint: 'correct the named key; docs/config.md lists every key' },
  E_FILE_UNREADABLE: { exit: 2, hint: 'check the path and its permissions' },
  E_TASK_INVALID: { exit: 2, hint: 'correct the named line; docs/tasks.md describes the format' },
  E_SCRIPT_INVALID: { exit: 2, hint: 'correct the named key; docs/simulated-provider.md describes the format' },
  E_PRICES_INVALID: { exit: 2, hint: 'correct the named entry; docs/costs.md describes the price book' },
  E_MODELS_INVALID: { exit: 2, hint: 'correct the named route; docs/config.md describes models.yaml' },
  E_REF_UNKNOWN: { exit: 2, hint: 'list what the store holds: turnpike runs, turnpike trials, turnpike sessions' },
  E_REF_AMBIGUOUS: { exit: 2, hint: 'give more characters of the id' },
  E_STORE_NEWER: { exit: 2, hint: 'update turnpike: this store was written by a newer version' },
  E_STORE_UNREADABLE: { exit: 69, hint: 'check that the directory is a Turnpike store and can be read and written' },
  E_STORE_CORRUPT: { exit: 1, hint: 'run turnpike verify to see which exchanges are affected' },
  E_RECORD_FAILED: { exit: 69, hint: 'free disk space or repair the store directory; calls are refused until it can be written' },
  E_PORT_IN_USE: { exit: 69, hint: 'choose another port with --port, or --port 0 for a free one' },
  E_MODEL_UNKNOWN: { exit: 2, hint: 'add a route for the model to the models file (--models)' },
  E_TOKEN_UNKNOWN: { exit: 2, hint: 'use the base URL that turnpike run printed; trial tokens end with their trial' },
  E_KEY_MISSING: { exit: 2, hint: 'set the named environment variable for the proxy, not for the agent' },
  E_BODY_TOO_LARGE: { exit: 2, hint: 'send a smaller request' },
  E_BAD_REQUEST: { exit: 2, hint: 'send a well-formed HTTP/1.1 request' },
  E_UPSTREAM_UNREACHABLE: { exit: 69, hint: 'check the upstream URL and the network of the machine the proxy runs on' },
  E_UPSTREAM_CUT: { exit: 69, hint: 'the provider closed the connection in the middle of its answer; the agent may retry' },
  E_CLIENT_ABORTED: { exit: 1, hint: 'the agent closed the connection before the answer ended' },
  E_DRAINING: { exit: 69, hint: 'the proxy is shutting down; start it again' },
  E_AGENT_UNKNOWN: { exit: 2, hint: 'run turnpike agents to see the agents there are' },
  E_AGENT_FAILED: { exit: 1, hint: 'read the agent output: turnpike show TRIAL' },
  E_ENVIRONMENT_FAILED: { exit: 69, hint: 'check disk space and permissions of the workspace directory' },
  E_FORMAT_UNKNOWN: { exit: 2, hint: 'use one of the formats the command lists in --help' },
  E_CONVERT_FAILED: { exit: 1, hint: 'run turnpike verify, then turnpike decode' },
  E_REPLAY_MISS: {
    exit: 1,
    hint: 'record the missing call, or let misses pass with --on-miss forward; docs/replay.md has the rules',
  },
  E_NO_WEBSOCKET: { exit: 2, hint: 'send plain requests, or set websocket: true on the endpoint if its provider speaks it' },
  E_IMPORT_INVALID: {
    exit: 2,
    hint: 'correct the named line, or leave such lines out with --skip-bad; docs/import-export.md describes the formats',
  },
  E_OUTPUT_EXISTS: { exit: 2, hint: 'name another place with --out, or write over it with --force' },
  E_BUDGET_CALLS: { exit: 1, hint: 'raise the named budget, or see with turnpike show why so many calls were made' },
  E_BUDGET_TOKENS: { exit: 1, hint: 'raise the named budget; turnpike costs shows where the tokens went' },
  E_BUDGET_COST: { exit: 1, hint: 'raise the named budget, or give the model a price (--prices); docs/budgets.md says why' },
  E_BUDGET_TIME: { exit: 1, hint: 'raise the named budget, or give the agent less to do' },
  E_INJECT_INVALID: { exit: 2, hint: 'correct the named rule; docs/faults.md describes the words' },
  E_INJECTED_FAULT: { exit: 1, hint: 'it was asked for with --inject; leave that out to see what the provider does by itself' },
  E_UPSTREAM_UNTRUSTED: { exit: 69, hint: 'name the file with the certificate of its authority: --upstream-ca FILE' },
  E_NO_CALLS: { exit: 2, hint: 'turnpike sessions, trials and runs list how many calls each has' },
  E_SELECTION_EMPTY: {
    exit: 2,
    hint: 'ask for less: what was there stands in the message; docs/convert.md describes selections',
  },
  E_BAD_FORMAT: {
    exit: 2,
    hint: 'write the file again with turnpike convert; convert/formats/schemas has the schema of each format',
  },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorCatalogue

export interface ErrorOptions {
  readonly cause?: unknown
  /** Sharper advice than the catalogue's. */
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The only error product code throws. Recognise it by `code`. */
export class TurnpikeError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly exit: number
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TurnpikeError'
    this.code = code
    this.hint = options.hint ?? errorCatalogue[code].hint
    this.exit = errorCatalogue[code].exit
    this.details = options.details ?? {}
  }
}

export function isTurnpikeError(error: unknown): error is TurnpikeError {
  if (!(error instanceof Error && 'code' in error && 'hint' in error && 'exit' in error)) return false
  return typeof error.code === 'string' && Object.hasOwn(errorCatalogue, error.code)
}

/** Any thrown value as a coded error; what we did not throw ourselves is our bug. */
export function asTurnpikeError(error: unknown): TurnpikeError {
  if (isTurnpikeError(error)) return error
  return new TurnpikeError('E_BUG', error instanceof Error ? error.message : String(error), { cause: error })
}

/** An invariant that must hold; a failed one is our bug. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new TurnpikeError('E_BUG', `assertion failed: ${message}`)
}
