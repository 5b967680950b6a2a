// What each error code means, in a paragraph: when it occurs and who sees it. scripts/make-docs.ts makes docs/errors.md of it.
// Beside the catalogue rather than in it, so that core/errors.ts stays a table that fits on a page; the type keeps the two equal.

import type { ErrorCode } from './errors.ts'

export const errorMeanings: Readonly<Record<ErrorCode, string>> = {
  E_BUG:
    "Something happened that Turnpike's authors thought impossible: a failed assertion, or an exception that no code foresaw. Whoever runs the command sees it; the record is not touched by it.",
  E_INTERRUPTED:
    'The command was stopped by Ctrl-C or SIGTERM before it was done. What had been finished is in the store; running trials are marked interrupted, never scored as failed.',
  E_USAGE:
    'A command, option or argument does not exist, is missing or does not fit the others. Seen by the person at the terminal before anything is started.',
  E_CONFIG_INVALID:
    'turnpike.yaml, a TURNPIKE_ variable or a flag holds an unknown key or a value of the wrong kind. The message names file, line, column and key.',
  E_FILE_UNREADABLE:
    'A file named on the command line or in the configuration is missing, is a directory, cannot be read, or cannot be written.',
  E_TASK_INVALID: 'A task file does not follow its format. The message names file, line and key; no trial has been started.',
  E_SCRIPT_INVALID:
    'The script of the simulated provider does not follow its format. The message names file, line, column and key.',
  E_PRICES_INVALID:
    'The price book does not follow its format. No cost is computed from a price book that is not understood completely.',
  E_MODELS_INVALID:
    'The models file (routes from model names to providers) does not follow its format. The proxy does not start.',
  E_REF_UNKNOWN:
    'A run, trial, session or exchange was named that is not in this store. Most often the store is another one: see --store.',
  E_REF_AMBIGUOUS: 'The beginning of an id or a name fits several things in the store. The message lists them.',
  E_STORE_NEWER: 'The store was written by a newer Turnpike whose layout this one does not know. It is left untouched.',
  E_STORE_UNREADABLE:
    "The store directory is missing, is not a store, or its database cannot be opened (permissions, a broken disk, another program's lock).",
  E_STORE_CORRUPT:
    'Bytes in the store do not have the hash they were recorded with. Reading stops instead of giving wrong bytes.',
  E_RECORD_FAILED:
    "An exchange could not be written to the store (disk full, read-only, locked). Agents see HTTP 503 in their provider's dialect with the header x-turnpike-error: nothing passes unrecorded.",
  E_PORT_IN_USE: 'The proxy cannot listen because another program, often another proxy, holds the port.',
  E_MODEL_UNKNOWN:
    "A request asks for a model that no route of the models file matches. Agents see HTTP 404 in their provider's dialect.",
  E_TOKEN_UNKNOWN:
    "A request carries a trial token that was never minted or is no longer valid, because its trial is over. Agents see HTTP 401 in their provider's dialect.",
  E_KEY_MISSING:
    "The chosen route needs a provider key, and its environment variable is not set where the proxy runs. Agents see HTTP 401 in their provider's dialect.",
  E_BODY_TOO_LARGE:
    "A request body is larger than the proxy takes (core/limits.ts). Agents see HTTP 413 in their provider's dialect.",
  E_BAD_REQUEST:
    'A request is not well-formed: contradictory framing, a malformed chunk, a broken header. It is refused and never forwarded, because two servers could read it differently.',
  E_UPSTREAM_UNREACHABLE:
    "The provider could not be reached at all: name not found, connection refused, TLS failure. Agents see HTTP 502 in their provider's dialect; the exchange is recorded as upstream-refused.",
  E_UPSTREAM_CUT:
    'The provider closed the connection before its answer was complete. The agent sees the same broken stream, never a clean end; the exchange is recorded as upstream-cut with what had arrived.',
  E_CLIENT_ABORTED:
    "The agent hung up before its answer was complete. The provider's connection is closed at once; the exchange is recorded as client-aborted with what had arrived.",
  E_DRAINING:
    "The proxy is shutting down: running exchanges may end, new ones are refused with HTTP 503 in the caller's dialect.",
  E_AGENT_UNKNOWN: 'A run names an agent there is no adapter for. The message lists those there are.',
  E_AGENT_FAILED:
    'An agent could not do its work, as its exit, its output and the wire show together. It is recorded as the outcome of the trial.',
  E_ENVIRONMENT_FAILED:
    'The place an agent runs in could not be made or broke down. The trial is tried again and, if that does not help, excluded from the scores: it is never counted as a zero.',
  E_FORMAT_UNKNOWN: 'An output or input format was named that does not exist. The message lists those there are.',
  E_CONVERT_FAILED:
    'A recorded exchange could not be converted although its protocol is known. Nothing is left out silently: the command stops and names the exchange.',
  E_REPLAY_MISS:
    "A replay has no recorded answer for a request. The message names the nearest recorded call and where the two first differ. Agents see HTTP 400 in their provider's dialect.",
  E_NO_WEBSOCKET:
    'An agent asked for a WebSocket where the route allows none. Agents see HTTP 426, which makes those that try a WebSocket first fall back to plain requests at once.',
  E_IMPORT_INVALID:
    'A file to import holds a line that is not what its format says. The message names file, line and key. Files are checked to their end before anything is written.',
  E_OUTPUT_EXISTS: 'An export would write over files that are there already.',
  E_BUDGET_CALLS:
    "A trial, session or run has made as many model calls as its budget allows. Agents see HTTP 402 in their provider's dialect with `x-should-retry: false`; the call is recorded as refused and the trial ends over-budget.",
  E_BUDGET_TOKENS:
    "A trial, session or run has used as many tokens as its budget allows. Agents see HTTP 402 in their provider's dialect; calls that were running may end, so that the sum can be above the budget by what they used.",
  E_BUDGET_COST:
    "A trial, session or run has cost as much as its budget allows, or used a model that the price book does not know while a cost budget was set: what cannot be counted cannot be limited. Agents see HTTP 402 in their provider's dialect.",
  E_BUDGET_TIME:
    "The time in which a trial, session or run may start calls is over; what it spent waiting for a provider's rate limit is not counted. Agents see HTTP 402 in their provider's dialect.",
  E_INJECT_INVALID:
    'The words of --inject, or the file they name, do not follow their format. The message names the rule and the position, or file, line and column. Nothing has been started.',
  E_INJECTED_FAULT:
    'What the agent saw was made on purpose (--inject), not by the provider. It stands in the record as the failure of the exchange, with the rule and the seed that chose it.',
  E_UPSTREAM_UNTRUSTED:
    "The certificate of an upstream does not lead to an authority this machine trusts, does not fit the host's name, or has expired. Agents see HTTP 502 in their provider's dialect. Nothing was sent. There is no switch that turns the check off; a company's own authority is named with --upstream-ca.",
  E_NO_CALLS: 'What was named holds no call to a model: nothing was recorded in it, or only traffic that no protocol claims.',
  E_SELECTION_EMPTY:
    'A selection leaves nothing of what was named. The message says what there was to choose from. No file has been written.',
  E_BAD_FORMAT:
    'A row of converted trajectories is not what its format says. The message names the format, the key and what was expected there. Nothing is repaired or guessed.',
}
