// An agent that wants more memory than its task gives it: its own failure, and the reason says so. What the kernel does is counted by the kernel.
import { describe, expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { openBench, script } from '../runner/_tasks.ts'

const eat = 'node -e "const a=[];for(;;)a.push(Buffer.alloc(8e6,1))" 2>/dev/null'
const task: Task = {
  id: 'memory',
  title: 'Memory',
  files: {},
  environment: {
    ...{ image: { kind: 'name', name: testImage }, cpus: null, memoryMb: 64, storageMb: null },
    ...{ network: { mode: 'proxy', hosts: [] }, env: {}, workdir: null, healthcheck: null, buildTimeoutMs: 60_000 },
  },
  turns: [1, 2].map(index => ({
    ...{ index, instruction: 'work', solution: null, timeoutMs: 120_000 },
    verifier: { files: {}, command: ['sh', '-c', 'test -f made'], timeoutMs: 60_000 },
  })),
  source: { file: 'f', line: 1 },
}

describe.skipIf(dockerMissing !== null)('an agent that runs out of memory', () => {
  const told = 'out of memory, the kernel ended a process of it (memory_mb of the task is the limit)'

  it.each([
    // A shell that runs one last command becomes it: the first process of the agent is what is ended.
    ['is ended itself', `exec ${eat}`, 'was ended by a signal'],
    ['gives up', `${eat} || exit 1`, 'ended with exit status 1'],
  ])('and %s has failed, with the reason; what it does later is told apart', { timeout: 120_000 }, async (_, first, how) => {
    const bench = await openBench()
    const { trials } = await bench.run({ tasks: [task], agents: [script(first, 'exit 3')], environment: 'docker' })
    expect(trials.map(trial => trial.outcome)).toEqual([{ kind: 'agent-failed', reason: `turn 1: the agent ${how}: ${told}` }])
    expect((await bench.read(trials[0]?.id ?? '')).states).toEqual(['agent-error', 'agent-error'])
    const dataOf = (type: string) => bench.events.filter(event => event.type === type).map(event => event.data)
    expect(dataOf('agent-ended')).toMatchObject([
      { turn: 1, memoryKills: 1 },
      { turn: 2, exit: 3 },
    ])
    expect(dataOf('agent-ended')[1]).not.toHaveProperty('memoryKills')
    expect(dataOf('failure-classified')).toMatchObject([
      { primary: 'out-of-memory', labels: expect.arrayContaining(['out-of-memory', 'crash']) },
      { primary: 'crash' },
    ])
  })

  it('and does its work all the same has done it', { timeout: 120_000 }, async () => {
    const bench = await openBench()
    const { trials } = await bench.run({ tasks: [task], agents: [script(`${eat}; touch made`)], environment: 'docker' })
    expect(trials[0]?.outcome).toEqual({ kind: 'finished', reason: null })
    const data = bench.events.find(event => event.type === 'agent-ended')?.data
    expect(data).toMatchObject({ exit: 0, memoryKills: 1 })
  })
})
