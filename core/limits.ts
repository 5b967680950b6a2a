// Every bound of the system, each with the reason for its size. Nothing unbounded may be added beside them.

/** One request body. Agents send 50 KB to 5 MB; a context window of 10 M tokens is about 40 MB of JSON. */
export const requestBodyBytesMax = 128 * 1024 * 1024

/** Request bodies held at once by the proxy; beyond it, sockets are no longer read until memory is free again. */
export const requestBodiesBytesMax = 512 * 1024 * 1024

/** Recorded bytes that may wait for the store before upstreams are paused: a slow disk must not fill the memory. */
export const pendingRecordBytesMax = 64 * 1024 * 1024

/** How often a paused upstream looks whether the store has caught up. */
export const storePollMs = 10

/** How long a held-back terminal event may wait for the upstream to end by itself before it is committed and released. */
export const terminalHoldMs = 25

/** How old unsaved bytes of a running stream may become. Small enough to find what an agent saw, large enough to batch. */
export const checkpointMs = 100

/** Time a draining proxy gives running exchanges before it cuts them. Model answers may take minutes. */
export const drainMs = 120_000

/** Bytes of loose pieces that are packed together. Larger packs compress better and read slower. */
export const packBytes = 512 * 1024

/** Memory for the newest request bodies of conversations, to find what is new in the next one without reading the store. */
export const recentBodiesBytesMax = 64 * 1024 * 1024

/** Output of an agent or verifier kept per attempt; the middle is cut out. */
export const outputCharsMax = 200_000

/** How long a model's turn may take when the task does not say. Real agents need 1 to 10 minutes for a turn. */
export const agentTimeoutMs = 900_000

/** How long a verifier may take when the task does not say. */
export const verifierTimeoutMs = 120_000

/** How long npm may take to install an agent's programs, once: the largest has 440 MB. */
export const layerInstallMs = 900_000

/** How long an agent that was asked to stop may take before its process is ended. */
export const cancelGraceMs = 5_000
/** How long a task's own set-up of a turn may take: it installs packages at times. */
export const setupTimeoutMs = 600_000

/** What a process gets between SIGTERM and SIGKILL: enough to flush a session file, too little to keep a trial waiting. */
export const terminateGraceMs = 1_000

/** Files above this stay out of the snapshots (named in the commit message): model weights, core dumps, disk images. */
export const snapshotFileBytesMax = 50 * 1024 * 1024

/** Bytes an agent may write into its container when the task has no `storage_mb`. A verification copies them all, holes as if they were filled. */
export const containerBytesMax = 32 * 1024 ** 3

/** A trial that holds this much of a disk that is full has filled it. */
export const diskHogBytesMin = 1024 ** 3

/** Processes of one local trial; honest builds and test suites stay far below. */
export const trialProcessesMax = 4096

/** A home above this is not kept between turns: its trial starts again from its first turn when the runner is killed. */
export const keptHomeBytesMax = 256 * 1024 * 1024

/** Failing test cases described to an agent, and the length of the whole feedback: more would crowd out its own work. */
export const feedbackCasesMax = 20
export const feedbackCharsMax = 8_000

/**
 * Model calls of one trial when the configuration does not say. Honest trials of a hundred turns make one to two thousand; an agent caught in a
 * loop of compacting its history made 8,446 in ten minutes, and would have gone on.
 */
export const trialCallsMax = 3_000

/** Times an environment failure is tried again before the trial ends, and the first of the doubling pauses between. */
export const environmentRetriesMax = 2
export const environmentRetryMs = 500

/** New tries for a trial that a provider's trouble broke off, the first of the doubling pauses before them, and the longest one. */
export const trialRetriesMax = 3
export const providerRetryMs = 2_000
export const providerPauseMsMax = 300_000

/** The first of the doubling pauses before a trial whose container or daemon was lost begins again: a daemon takes seconds to come back. */
export const placeRetryMs = 4_000

/** How much longer than in the recording a replayed answer stays silent for an agent that had left by then, before it is broken off. */
export const replaySilenceMs = 30_000

/** How long a WebSocket may take to answer a close frame, or may take nothing of what was sent before it is broken off. */
export const socketCloseMs = 1_000

/** How long it may read, however slowly, before it is broken off: a proxy that drains waits for it. */
export const socketFlushMs = 30_000

/** Bytes on their way through a WebSocket, per direction, before the side they come from is paused. */
export const socketBufferBytesMax = 1024 * 1024
/** One record of a file that is imported: two bodies of the proxy's bound would not fit into one string of the language. */
export const importRecordBytesMax = 256 * 1024 * 1024
/** Bytes read of an answer that is not passed on, before the next attempt. Error answers have hundreds. */
export const discardedAnswerBytesMax = 1024 * 1024

/** Timers of the system count in 31 bits; a longer time limit would be over at once. 24 days are as good as none. */
export const timerMsMax = 2 ** 31 - 1
