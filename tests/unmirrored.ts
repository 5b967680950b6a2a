// Product files without a test file of their own: why, and which test exercises them instead. The tidy test holds the list against
// the tree both ways, and checks that the named test really reaches each file (by imports; commands are tested as processes).

export interface Unmirrored {
  readonly reason: string
  /** null: there is nothing to run. */
  readonly testedBy: string | null
  readonly files: readonly string[]
}

export const unmirrored: readonly Unmirrored[] = [
  {
    reason: 'types, data or a schema only: nothing runs',
    testedBy: null,
    files: [
      'report/table-borders.ts',
      'convert/link.ts',
      'core/task.ts',
      'convert/source.ts',
      'convert/trajectory.ts',
      'proxy/replay/options.ts',
      'core/types.ts',
      'core/report.ts',
      'proxy/websocket/link.ts',
      'runner/policy.ts',
      'runner/results/case-result.ts',
      'runner/terminus/model.ts',
      'store/writer-messages.ts',
    ],
  },
  {
    reason: 'the forms of a reply by name, what they share, and the finding of an object in a text',
    testedBy: 'tests/runner/terminus/parser-json.test.ts',
    files: ['runner/terminus/json-text.ts', 'runner/terminus/parsers.ts', 'runner/terminus/reply.ts'],
  },
  {
    reason: 'what is said to the model: texts, tested where they are said',
    testedBy: 'tests/runner/terminus/loop.test.ts',
    files: ['runner/terminus/prompt.ts'],
  },
  {
    reason: 'waits, and ends early when called off: tested by those who wait',
    testedBy: 'tests/runner/terminus/patience.test.ts',
    files: ['runner/terminus/pause.ts'],
  },
  {
    reason: 'one model call over an official client; tested as the process that makes it',
    testedBy: 'tests/runner/terminus/main.test.ts',
    files: ['runner/terminus/anthropic.ts', 'runner/terminus/openai-chat.ts', 'runner/terminus/openai-responses.ts'],
  },
  {
    reason: 'what differs between simulated providers: data, and words tested together',
    testedBy: 'tests/scenarios/simulated/dialects.test.ts',
    files: [
      'scenarios/simulated/dialect.ts',
      'scenarios/simulated/dialect-anthropic.ts',
      'scenarios/simulated/dialect-openai.ts',
    ],
  },
  {
    reason: 'parts of the configuration that only mean something together',
    testedBy: 'tests/core/config.test.ts',
    files: ['core/budget-keys.ts', 'core/config-keys.ts', 'core/network-keys.ts', 'core/config-values.ts'],
  },
  {
    reason: 'the wording of schema problems, tested through the schema that finds them',
    testedBy: 'tests/core/schema.test.ts',
    files: ['core/schema-problems.ts'],
  },
  {
    reason: 'the second half of the error catalogue',
    testedBy: 'tests/core/errors.test.ts',
    files: ['core/error-meanings.ts'],
  },
  {
    reason: 'looks at sessions; tested as a process over a recorded store',
    testedBy: 'tests/cli/commands/sessions.test.ts',
    files: [
      'cli/commands/convert.ts',
      'cli/commands/costs.ts',
      'cli/commands/decode.ts',
      'cli/commands/verify.ts',
      'cli/derive.ts',
      'cli/listing-view.ts',
      'cli/listing.ts',
      'cli/result-files.ts',
      'cli/scopes.ts',
    ],
  },
  {
    reason: 'part of a run or a look at one; tested as a process over a real run',
    testedBy: 'tests/cli/commands/run.test.ts',
    files: [
      'cli/commands/init.ts',
      'cli/commands/report.ts',
      'cli/commands/runs.ts',
      'cli/commands/score.ts',
      'cli/commands/trials.ts',
      'cli/run-plan.ts',
      'cli/run-results.ts',
      'cli/run-summary.ts',
    ],
  },
  {
    reason: 'tested as a process',
    testedBy: 'tests/cli/commands/show.test.ts',
    files: ['cli/show-view.ts'],
  },
  { reason: 'tested as a process', testedBy: 'tests/cli/commands/doctor.test.ts', files: ['cli/commands/agents.ts'] },
  { reason: 'tested as a process', testedBy: 'tests/cli/commands/proxy.test.ts', files: ['cli/providers.ts'] },
  {
    reason: 'what every command starts with; tested as a process',
    testedBy: 'tests/cli/main.test.ts',
    files: ['cli/output.ts', 'cli/package-files.ts', 'cli/program.ts', 'cli/store-access.ts'],
  },
  {
    reason: 'a step from calls to lanes that only means something with the others',
    testedBy: 'tests/convert/tree.test.ts',
    files: [
      'convert/blocks.ts',
      'convert/identity.ts',
      'convert/lanes.ts',
      'convert/load.ts',
      'convert/trajectory-builder.ts',
      'convert/policies/calls.ts',
      'convert/policies/readable.ts',
    ],
  },
  {
    reason: 'reads what the whole stage converts',
    testedBy: 'tests/convert/convert.test.ts',
    files: ['convert/source-store.ts'],
  },
  {
    reason: 'a conversation on pipes, held to the contract of environments',
    testedBy: 'tests/conformance/environments.test.ts',
    files: ['runner/talks.ts'],
  },
  {
    reason: 'held to the contract of its kind',
    testedBy: 'tests/conformance/formats.test.ts',
    files: ['convert/formats/merged.ts'],
  },
  {
    reason: 'drawn and compared with golden files as a whole',
    testedBy: 'tests/report/report.test.ts',
    files: ['core/money.ts', 'report/markdown.ts', 'report/terminal.ts', 'report/words.ts'],
  },
  {
    reason: 'folded into scores, tested there with tables computed by hand',
    testedBy: 'tests/judge/score.test.ts',
    files: ['judge/cost.ts'],
  },
  {
    reason: 'parts of metrics, tested there with tables computed by hand',
    testedBy: 'tests/judge/metrics.test.ts',
    files: ['judge/estimates.ts', 'judge/grid.ts', 'judge/outcomes.ts', 'judge/stamina.ts'],
  },
  {
    reason: 'read for every price that is tested',
    testedBy: 'tests/judge/prices.test.ts',
    files: ['judge/price-book.ts'],
  },
  {
    reason: 'held to the contract of its kind',
    testedBy: 'tests/conformance/protocols.test.ts',
    files: [
      'protocols/anthropic-messages.ts',
      'protocols/bedrock-converse.ts',
      'protocols/bedrock-invoke.ts',
      'protocols/openai-chat.ts',
    ],
  },
  {
    reason: 'a step of an exchange on the wire, tested on the wire',
    testedBy: 'tests/proxy/gate.test.ts',
    files: [
      'proxy/gate-answers.ts',
      'proxy/arrived.ts',
      'proxy/control.ts',
      'proxy/forward.ts',
      'proxy/metrics.ts',
      'proxy/record.ts',
      'proxy/scopes.ts',
    ],
  },
  {
    reason: 'a step of a fault on its way to the agent, tested on the wire over every protocol',
    testedBy: 'tests/faults/matrix.test.ts',
    files: [
      'proxy/inject/choose.ts',
      'proxy/inject/layer.ts',
      'proxy/inject/outlet.ts',
      'proxy/inject/provider-error.ts',
      'proxy/inject/spoil.ts',
      'proxy/inject/timeline.ts',
      'proxy/inject/units.ts',
    ],
  },
  {
    reason: 'what the meter is made of, tested against the decoded record',
    testedBy: 'tests/proxy/meter.test.ts',
    files: ['proxy/meter-read.ts', 'proxy/toll-metrics.ts'],
  },
  {
    reason: 'the meter over WebSockets, tested there with faults and budgets',
    testedBy: 'tests/proxy/inject/socket.test.ts',
    files: ['proxy/meter-socket.ts'],
  },
  {
    reason: 'behind the budgets, tested with them on the wire',
    testedBy: 'tests/proxy/budget.test.ts',
    files: ['proxy/budget-accounts.ts', 'proxy/toll.ts'],
  },
  { reason: 'wires the toll; tested as a process', testedBy: 'tests/cli/commands/run-budget.test.ts', files: ['cli/toll.ts'] },
  {
    reason: 'from a request to its recorded answer, or to what a missed one is told; tested on the wire',
    testedBy: 'tests/proxy/replay/replay.test.ts',
    files: ['proxy/replay/find.ts', 'proxy/replay/miss.ts'],
  },
  {
    reason: 'what a recording is opened into, tested with it',
    testedBy: 'tests/proxy/replay/library.test.ts',
    files: ['proxy/replay/shelf.ts'],
  },
  {
    reason: 'the record of what a retry gives up',
    testedBy: 'tests/proxy/retry.test.ts',
    files: ['proxy/record-part.ts', 'proxy/retry-policy.ts'],
  },
  {
    reason: 'the words for what the connections meet',
    testedBy: 'tests/proxy/forward-connections.test.ts',
    files: ['proxy/forward-failure.ts', 'proxy/forwarder.ts'],
  },
  {
    reason: 'where an intercepted request goes; tested on the wire',
    testedBy: 'tests/proxy/intercept/intercept.test.ts',
    files: ['proxy/intercept/route.ts'],
  },
  {
    reason: 'a step of a WebSocket on the wire, tested on the wire',
    testedBy: 'tests/proxy/websocket/upgrade.test.ts',
    files: ['proxy/websocket/accept.ts', 'proxy/websocket/opening.ts'],
  },
  {
    reason: 'between the two directions of a WebSocket, tested with both on the wire',
    testedBy: 'tests/proxy/websocket/answering.test.ts',
    files: ['proxy/websocket/exchange.ts', 'proxy/websocket/relay.ts'],
  },
  {
    reason: 'parts of the simulated socket, tested by speaking to it',
    testedBy: 'tests/scenarios/simulated/websocket.test.ts',
    files: ['scenarios/simulated/websocket-play.ts', 'scenarios/simulated/websocket-responses.ts'],
  },
  {
    reason: 'held to the contract of its kind; what is its own is tested with whole imports',
    testedBy: 'tests/conformance/imports.test.ts',
    files: [
      'convert/imports/capture.ts',
      'convert/imports/claude-trace.ts',
      'convert/imports/har.ts',
      'convert/imports/mini-vela.ts',
      'convert/imports/raw.ts',
    ],
  },
  {
    reason: 'a step of an import, tested with whole files',
    testedBy: 'tests/convert/import.test.ts',
    files: ['convert/import-records.ts', 'convert/import-sessions.ts'],
  },
  {
    reason: 'a format of exports, tested by what reads it: the import, a schema, a shell',
    testedBy: 'tests/convert/export.test.ts',
    files: ['convert/exports/curl.ts', 'convert/exports/har.ts', 'convert/exports/raw.ts'],
  },
  {
    reason: 'which strings are pieces of one text, and which words stay: seen in whole streams and exchanges',
    testedBy: 'tests/convert/scrub.test.ts',
    files: ['convert/scrub-fragments.ts', 'convert/scrub-words.ts'],
  },
  {
    reason: 'the schema behind the routes',
    testedBy: 'tests/proxy/routes.test.ts',
    files: ['proxy/single-upstream.ts', 'proxy/models-file.ts'],
  },
  {
    reason: 'held to the contract of its kind',
    testedBy: 'tests/conformance/agents.test.ts',
    files: ['runner/agents/mini.ts', 'runner/agents/nop.ts', 'runner/agents/oracle.ts', 'runner/agents/terminus.ts'],
  },
  {
    reason: 'speaks to a provider; tested as a process against one',
    testedBy: 'tests/runner/mini/main.test.ts',
    files: ['runner/mini/anthropic.ts', 'runner/mini/model.ts', 'runner/mini/openai.ts'],
  },
  {
    reason: 'where an intercepted request goes, tested with the whole mode',
    testedBy: 'tests/proxy/intercept/intercept.test.ts',
    files: ['proxy/intercept/route.ts'],
  },
  {
    reason: 'an inner part of the store, tested through the open store and its writer thread',
    testedBy: 'tests/store/writer.test.ts',
    files: [
      'store/answer-bytes.ts',
      'store/answer-writer.ts',
      'store/begin-writer.ts',
      'store/bodies.ts',
      'store/body-hash.ts',
      'store/codec.ts',
      'store/counter.ts',
      'store/database.ts',
      'store/digest.ts',
      'store/exchanges.ts',
      'store/failure-text.ts',
      'store/headers.ts',
      'store/ledger.ts',
      'store/lock.ts',
      'store/migrations.ts',
      'store/nouns.ts',
      'store/outbox.ts',
      'store/packer.ts',
      'store/piece-reader.ts',
      'store/piece-writer.ts',
      'store/plain-writer.ts',
      'store/recent.ts',
      'store/recovery.ts',
      'store/refs.ts',
      'store/reuse.ts',
      'store/rows.ts',
      'store/tokens.ts',
      'store/writer-thread.ts',
    ],
  },
]

/** Tests about something that several files do together, in a folder that mirrors the source. */
export const topical: Readonly<Record<string, string>> = {
  'tests/store/growth.test.ts': 'what a growing conversation costs in bytes and time, through the whole store',
  'tests/protocols/official-sdks.test.ts': 'what both protocols write is read by the official clients',
  'tests/protocols/bedrock.test.ts': 'both protocols of Amazon Bedrock, and what they share',
  'tests/protocols/translation.test.ts': 'one protocol read, the other written',
}
