// A run in a process of its own, from the compiled program, to be killed: node _killed-run.mjs '{"store": …, "tasks": …, "agents": …}'
import { executeRun } from '../../dist/runner/run.js'
import { openStore } from '../../dist/store/open.js'

const { store: place, ...options } = JSON.parse(process.argv[2])
const store = await openStore(place, {})
await executeRun({
  trials: 2,
  attempts: 1,
  feedback: 'none',
  onFailure: 'continue',
  environment: 'local',
  isolation: 'none',
  concurrency: 1,
  proxyUrl: 'http://127.0.0.1:9',
  freshSession: false,
  config: null,
  simulated: false,
  turnpikeVersion: 'test',
  path: process.env.PATH,
  ...options,
  store,
  signal: new AbortController().signal,
  onEvent: event => console.log(JSON.stringify(event)),
})
await store.close()
