// The schema as an append-only list of steps; PRAGMA user_version counts those a store has taken. Never edit a released step:
// add one, and keep a store of the version before it in tests/fixtures/stores/. Where NULL has a meaning, a comment says it.

const first = `
CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, source TEXT NOT NULL,
  agent_session TEXT, -- NULL: the agent sends none
  started_at REAL NOT NULL
);
CREATE INDEX sessions_name ON sessions(name);

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, state TEXT NOT NULL,
  config TEXT, -- JSON
  turnpike_version TEXT NOT NULL, simulated INTEGER NOT NULL, planned_turns INTEGER NOT NULL, started_at REAL NOT NULL,
  ended_at REAL -- NULL: still running, or killed
);
CREATE INDEX runs_name ON runs(name);

CREATE TABLE trials (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL, name TEXT NOT NULL, task_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  model TEXT, -- NULL: the agent's own default
  "index" INTEGER NOT NULL, planned_turns INTEGER NOT NULL, state TEXT NOT NULL,
  outcome TEXT, -- JSON; NULL: not ended
  turn INTEGER, attempt INTEGER, -- NULL: before the first turn or after the last
  snapshots TEXT, -- NULL: snapshots are off
  started_at REAL, ended_at REAL -- NULL: not yet
);
CREATE INDEX trials_run ON trials(run_id);
CREATE INDEX trials_name ON trials(name);

CREATE TABLE turns (
  seq INTEGER PRIMARY KEY, trial_id TEXT NOT NULL, turn INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  instruction TEXT NOT NULL, started_at REAL, ended_at REAL, -- NULL: not yet
  UNIQUE (trial_id, turn)
);

CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY, trial_id TEXT NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL, passed INTEGER NOT NULL,
  tests_passed INTEGER NOT NULL, tests_total INTEGER NOT NULL, agent_outcome TEXT NOT NULL,
  agent_exit INTEGER, -- NULL: ended by a signal or never started
  agent_ms REAL NOT NULL, verify_ms REAL NOT NULL,
  feedback TEXT, -- NULL: first attempt
  snapshot TEXT, -- NULL: snapshots are off
  agent_output TEXT NOT NULL, verifier_output TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL NOT NULL,
  UNIQUE (trial_id, turn, attempt)
);

CREATE TABLE tests (
  seq INTEGER PRIMARY KEY, trial_id TEXT NOT NULL, turn INTEGER NOT NULL, attempt INTEGER NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, message TEXT NOT NULL,
  UNIQUE (trial_id, turn, attempt, name)
);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
  trial_id TEXT, -- NULL: about the run as a whole
  type TEXT NOT NULL, at REAL NOT NULL, data TEXT -- JSON
);
CREATE INDEX events_run ON events(run_id);

CREATE TABLE calls (
  seq INTEGER PRIMARY KEY, exchange_id TEXT NOT NULL UNIQUE, scope_id TEXT NOT NULL, turn INTEGER, attempt INTEGER,
  protocol TEXT NOT NULL, model_asked TEXT, model_answered TEXT, answer_id TEXT, stop_reason TEXT, -- NULL: not on the wire
  usage TEXT, -- JSON; NULL: the provider reported none
  tool_calls TEXT NOT NULL, -- JSON
  complete INTEGER NOT NULL,
  error TEXT, -- JSON; NULL: none
  cost_nano_usd INTEGER, price_version TEXT, -- NULL: price unknown
  decoder INTEGER NOT NULL
);
CREATE INDEX calls_scope ON calls(scope_id);

CREATE TABLE scores (
  seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, metric TEXT NOT NULL, subject TEXT NOT NULL, score TEXT NOT NULL, -- JSON
  denominator_name TEXT NOT NULL,
  UNIQUE (run_id, metric, subject)
);

CREATE TABLE checks (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, question TEXT NOT NULL, kind TEXT NOT NULL);

CREATE TABLE verdicts (
  seq INTEGER PRIMARY KEY, check_id TEXT NOT NULL, subject TEXT NOT NULL, verdict TEXT NOT NULL, evidence TEXT, -- JSON
  UNIQUE (check_id, subject)
);

CREATE TABLE tokens (
  hash BLOB PRIMARY KEY, -- SHA-256 of the token; the token itself is nowhere
  trial_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_trial ON tokens(trial_id);

-- A process that records. Its lock file (owners/<lock>) is held by the operating system for as long as it lives.
CREATE TABLE owners (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lock TEXT NOT NULL,
  first_seq INTEGER NOT NULL -- its exchanges have this seq or a higher one
);

-- Trials and sessions by number: exchanges of one are found through a small index.
CREATE TABLE scopes (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (name, kind));

-- Immutable once written. In flight while it has no answer.
CREATE TABLE exchanges (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner INTEGER NOT NULL, scope INTEGER NOT NULL,
  turn INTEGER, attempt INTEGER, -- NULL: outside a turn
  protocol TEXT, -- NULL: no protocol claims it
  route TEXT, -- NULL: none was chosen
  method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, started_at REAL NOT NULL,
  headers_piece INTEGER NOT NULL,
  headers_patch TEXT, -- JSON [[index, value], …] over the list in the piece; NULL: as it stands there
  base INTEGER, -- seq of the exchange whose request the recipe changes; NULL: the recipe is the whole list of pieces
  depth INTEGER NOT NULL, -- recipes to be read before this one
  recipe BLOB NOT NULL, bytes_sent INTEGER NOT NULL, bytes_stored INTEGER NOT NULL, sent_sha256 BLOB NOT NULL,
  stored_sha256 BLOB, -- NULL: stored as sent
  masked BLOB, -- varints; NULL: nothing masked
  decoded_from TEXT -- NULL: content-encoding as sent
);
CREATE INDEX exchanges_scope ON exchanges(scope);

CREATE TABLE answers (
  seq INTEGER PRIMARY KEY, -- of the exchange
  final INTEGER NOT NULL, -- 0: checkpointed, more may come
  status INTEGER, headers_piece INTEGER, -- NULL: no response head arrived
  headers_patch TEXT, -- as in exchanges
  outcome TEXT NOT NULL,
  failure_code TEXT, failure_message TEXT, -- NULL: nothing failed
  provider_request_id TEXT, -- NULL: none sent
  retries INTEGER NOT NULL, first_byte_at REAL, ended_at REAL, -- NULL: did not happen
  recipe BLOB, -- NULL: what has arrived is in the spool
  bytes_sent INTEGER, bytes_stored INTEGER, sent_sha256 BLOB, -- NULL with recipe
  stored_sha256 BLOB, masked BLOB, decoded_from TEXT, -- as in exchanges
  arrivals BLOB -- varints; NULL: no byte arrived
);

-- Response bytes of exchanges in flight; moved into a piece when they end.
CREATE TABLE spool (
  seq INTEGER NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, arrivals BLOB NOT NULL,
  masked BLOB, -- ranges counted from the start of the body; NULL: none in this part
  sent_sha256 BLOB, -- of all bytes up to here as sent; NULL: nothing masked so far
  PRIMARY KEY (seq, part)
) WITHOUT ROWID;

-- New pieces, until they are packed. Appending is all that recording does: no index to be kept in order.
CREATE TABLE loose (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, data BLOB NOT NULL);

CREATE TABLE packs (
  id INTEGER PRIMARY KEY, codec INTEGER NOT NULL, -- see store/codec.ts
  bytes INTEGER NOT NULL, -- unpacked
  data BLOB NOT NULL
);

-- Packed pieces. Ids are those they had while loose.
CREATE TABLE pieces (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL, -- first 48 bits of the hash
  hash BLOB NOT NULL, bytes INTEGER NOT NULL, pack_id INTEGER NOT NULL, offset INTEGER NOT NULL
);
CREATE INDEX pieces_key ON pieces(key);
`

/** Exchanges that belong to another one, such as an attempt whose answer was not passed on. */
const parts = `
ALTER TABLE exchanges ADD COLUMN part_of TEXT; -- id of the exchange it is a part of; NULL: it stands for itself
ALTER TABLE exchanges ADD COLUMN part TEXT; -- which part; NULL with part_of
CREATE INDEX exchanges_parts ON exchanges(part_of) WHERE part_of IS NOT NULL;
`

export const migrations: readonly string[] = [first, parts]
