// A run in a process of its own, from the compiled program, to be killed: node _killed-run.mjs STORE FILES TASK AGENT
import { executeRun } from '../../dist/runner/run.js'
import { openStore } from '../../dist/store/open.js'

const [store, directory, task, agent] = process.argv.slice(2)
await executeRun({
  store: await openStore(store, {}),
  tasks: [JSON.parse(task)],
  agents: [JSON.parse(agent)],
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
  directory,
  path: process.env.PATH,
  signal: new AbortController().signal,
  onEvent: event => console.log(JSON.stringify(event)),
})
