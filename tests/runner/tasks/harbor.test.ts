// Harbor tasks: every key becomes what docs/tasks.md says, wrong values name file, line and key.
import { execFileSync } from 'node:child_process'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Task } from '../../../core/task.ts'
import { loadTasks } from '../../../runner/tasks/_all.ts'
import { shellCommand } from '../../../runner/tasks/_harbor-environment.ts'
import { stripCanary } from '../../../runner/tasks/_harbor-turns.ts'
import { findTasks, readHarborTask } from '../../../runner/tasks/harbor.ts'
import { makeDirectory } from '../_sandbox.ts'
import { makeTask, single, stepped, writeFiles } from './_harbor-files.ts'

const plain = { environment: {}, harborCompat: false }

async function read(
  files: Readonly<Record<string, string>>,
  options = {},
): Promise<{ task: Task; warnings: readonly string[]; directory: string }> {
  const directory = makeTask(files)
  const { tasks, warnings } = await readHarborTask(directory, { ...plain, ...options })
  const [task] = tasks
  if (task === undefined) throw new Error('no task was read')
  return { task, warnings, directory }
}
const turnOf = (task: Task, index = 0) => {
  const turn = task.turns[index]
  if (turn === undefined) throw new Error(`no turn ${index}`)
  return turn
}
const refusal = async (toml: string): Promise<string> => {
  const directory = makeTask(single(toml))
  const error = await readHarborTask(directory, plain).catch((thrown: unknown) => thrown)
  return error instanceof Error ? error.message.replace(directory, '…') : 'no error'
}

describe('a single-step task', () => {
  it('without a word in task.toml has the defaults of the format', async () => {
    const { task, warnings, directory } = await read(single(''))
    expect(warnings).toEqual([])
    expect(task.turns).toHaveLength(1)
    const turn = turnOf(task)
    expect(turn).toMatchObject({ index: 1, instruction: 'Do it.\n', timeoutMs: null })
    expect(turn.name).toBeUndefined()
    expect(turn.verifier).toMatchObject({
      timeoutMs: 600_000,
      trees: [{ directory: join(directory, 'tests'), to: '/tests' }],
      reward: { directory: '/logs/verifier' },
      env: {},
    })
    expect(turn.solutionFiles).toEqual({ trees: [{ directory: join(directory, 'solution'), to: '/solution' }], env: {} })
    expect(task.environment).toEqual({
      image: { kind: 'build', context: join(directory, 'environment'), dockerfile: 'Dockerfile' },
      cpus: null,
      memoryMb: null,
      storageMb: null,
      network: { mode: 'public', hosts: [] },
      env: {},
      workdir: null,
      healthcheck: null,
      buildTimeoutMs: 600_000,
    })
  })

  it('takes every key of the environment, with variables of the caller', async () => {
    const toml = `[environment]
build_timeout_sec = 90
os = "Linux"
cpus = 2
memory_mb = 512
storage_mb = 1024
network_mode = "allowlist"
allowed_hosts = ["Example.COM.", "*.pypi.org", "10.0.0.0/8"]
workdir = "/srv"
[environment.env]
PLAIN = "a"
FROM_HOST = "\${TOKEN}"
OR_ELSE = "\${NONE:-fallback}"
INSIDE = "x\${TOKEN}"
[environment.healthcheck]
command = "curl -f localhost"
interval_sec = 1
retries = 7
`
    const { task } = await read(single(toml), { environment: { TOKEN: 'secret' } })
    expect(task.environment).toMatchObject({
      cpus: 2,
      memoryMb: 512,
      storageMb: 1024,
      workdir: '/srv',
      buildTimeoutMs: 90_000,
      network: { mode: 'allow-list', hosts: ['example.com', '*.pypi.org', '10.0.0.0/8'] },
      env: { PLAIN: 'a', FROM_HOST: 'secret', OR_ELSE: 'fallback', INSIDE: `x${'$'}{TOKEN}` },
      healthcheck: {
        command: shellCommand('curl -f localhost'),
        intervalMs: 1000,
        timeoutMs: 30_000,
        startPeriodMs: 0,
        startIntervalMs: 5000,
        retries: 7,
      },
    })
    const kept = await read(single(toml), { environment: null })
    expect(kept.task.environment?.env['FROM_HOST']).toBe(`${'$'}{TOKEN}`)
  })

  it('maps deprecated keys, and lets the newer one win', async () => {
    const old = await read(single('version = "1.0"\n[environment]\nmemory = "2G"\nstorage = "1536K"\nallow_internet = false\n'))
    expect(old.warnings).toEqual([])
    expect(old.task.environment).toMatchObject({ memoryMb: 2048, storageMb: 2, network: { mode: 'proxy' } })
    const both = await read(
      single('[environment]\nmemory = "2G"\nmemory_mb = 100\nallow_internet = false\nnetwork_mode = "public"\n'),
    )
    expect(both.task.environment).toMatchObject({ memoryMb: 100, network: { mode: 'public' } })
  })

  it('gives the agent and the verifier their users, networks, limits and variables', async () => {
    const { task } = await read(
      single(`[agent]
timeout_sec = 12.5
user = 1000
network_mode = "no-network"
[verifier]
timeout_sec = 7
user = "root"
network_mode = "public"
env = { A = "1", N = 3 }
[[verifier.collect]]
command = "dump"
timeout_sec = 2
user = "agent"
[solution]
env = { S = "\${S:-t}" }
`),
    )
    expect(turnOf(task)).toMatchObject({ timeoutMs: 12_500, agentUser: '1000', agentNetwork: { mode: 'proxy', hosts: [] } })
    expect(turnOf(task).verifier).toMatchObject({
      timeoutMs: 7000,
      user: 'root',
      network: { mode: 'public', hosts: [] },
      env: { A: '1', N: '3' },
      collect: [{ command: shellCommand('dump'), timeoutMs: 2000, user: 'agent' }],
    })
    expect(turnOf(task).solutionFiles?.env).toEqual({ S: 't' })
  })

  it('with a named image brings the loose files of environment/ into the working directory', async () => {
    const files = { ...single('[environment]\ndocker_image = "python:3.12"\n'), 'environment/data.csv': 'a,b\n' }
    const { task, directory } = await read(files)
    expect(task.environment?.image).toEqual({ kind: 'name', name: 'python:3.12' })
    expect(task.trees).toEqual([{ directory: join(directory, 'environment'), to: '.' }])
    expect((await read(single(''))).task.trees).toEqual([])
  })

  it('is verified somewhere else when it says so', async () => {
    const own = await read({ ...single('[verifier.environment]\ndocker_image = "judge:1"\ncpus = 1\n') })
    expect(turnOf(own.task).verifier).toMatchObject({
      trees: [],
      separate: { image: { kind: 'name', name: 'judge:1' }, cpus: 1 },
    })
    const mode = { ...single('[verifier]\nenvironment_mode = "separate"\n'), 'tests/Dockerfile': 'FROM scratch\n' }
    const separate = await read(mode)
    expect(turnOf(separate.task).verifier.separate?.image).toEqual({
      kind: 'build',
      context: join(separate.directory, 'tests'),
      dockerfile: 'Dockerfile',
    })
    expect(await refusal('[verifier]\nenvironment_mode = "shared"\n[verifier.environment]\ndocker_image = "x"\n')).toBe(
      '…/task.toml:3: verifier.environment stands beside environment_mode = "shared"',
    )
  })

  it('without a test script is played and not scored', async () => {
    const { 'tests/test.sh': _, ...files } = single('')
    const { task, warnings } = await read(files)
    expect(turnOf(task).verifier.command).toEqual([])
    expect(warnings.join()).toMatch(/no tests\/test\.sh: it is played and not scored/)
  })

  it('keeps what it says of itself', async () => {
    const { task } = await read(
      single('source = "here"\n[task]\nname = "org/thing"\n[metadata]\ndifficulty = "hard"\nmade = 2026-01-02\n'),
    )
    expect(task.title).toBe('org/thing')
    expect(task.metadata).toMatchObject({ difficulty: 'hard', harbor: { name: 'org/thing', source: 'here' } })
    expect(JSON.stringify(task.metadata)).toContain('2026-01-02')
  })
})

describe('a task of steps', () => {
  it('has a turn for each, with the folders that are there', async () => {
    const files = {
      ...stepped(['round-1', 'round-2'], 'multi_step_reward_strategy = "final"\nartifacts = ["/app/out"]\n'),
      'tests/shared.sh': 'x',
      'solution/solve.sh': '#!/bin/sh\n',
      'steps/round-2/workdir/data.txt': 'x',
      'steps/round-2/workdir/setup.sh': '#!/bin/sh\n',
    }
    const { 'steps/round-1/solution/solve.sh': _, ...without }: Record<string, string> = files
    const { task, directory } = await read(without)
    expect(task.rewardOf).toBe('final')
    expect(task.turns.map(turn => turn.name)).toEqual(['round-1', 'round-2'])
    const [first, second] = [turnOf(task), turnOf(task, 1)]
    expect(first.instruction).toBe('Do round-1.\n')
    expect(first.verifier.trees?.map(tree => tree.directory)).toEqual([
      join(directory, 'tests'),
      join(directory, 'steps/round-1/tests'),
    ])
    expect(first.solutionFiles?.trees[0]?.directory).toBe(join(directory, 'solution'))
    expect(second.solutionFiles?.trees[0]?.directory).toBe(join(directory, 'steps/round-2/solution'))
    expect(first.setup).toBeUndefined()
    expect(second.setup).toEqual({
      trees: [{ directory: join(directory, 'steps/round-2/workdir'), to: '.' }],
      command: ['bash', './setup.sh'],
    })
    expect(second.artifacts).toEqual([{ source: '/app/out', destination: null, exclude: [] }])
  })

  it('takes what a step says over what the task says', async () => {
    const head = '[agent]\ntimeout_sec = 5\nuser = "a"\n[verifier]\ntimeout_sec = 1800\nenv = { A = "1", B = "1" }\n'
    const step = `min_reward = 0.5
artifacts = [{ source = "/x", destination = "y", exclude = ["*.o"] }]
[steps.agent]
timeout_sec = 9
[steps.verifier]
env = { B = "2" }
[steps.healthcheck]
command = "true"
`
    const { task } = await read(stepped(['one'], head, step))
    const turn = turnOf(task)
    expect(turn).toMatchObject({
      timeoutMs: 9000,
      agentUser: 'a',
      rewardMin: { reward: 0.5 },
      healthcheck: { command: shellCommand('true') },
      artifacts: [{ source: '/x', destination: 'y', exclude: ['*.o'] }],
    })
    expect(turn.verifier).toMatchObject({ timeoutMs: 1_800_000, env: { A: '1', B: '2' } })
  })

  it('verifies within the time of the task, and within 600 seconds only where Harbor itself is wanted', async () => {
    const files = stepped(['one'], '[verifier]\ntimeout_sec = 1800\n')
    expect(turnOf((await read(files)).task).verifier.timeoutMs).toBe(1_800_000)
    expect(turnOf((await read(files, { harborCompat: true })).task).verifier.timeoutMs).toBe(600_000)
    const own = stepped(['one'], '[verifier]\ntimeout_sec = 1800\n', '[steps.verifier]\ntimeout_sec = 30\n')
    expect(turnOf((await read(own, { harborCompat: true })).task).verifier.timeoutMs).toBe(30_000)
  })

  it('asks for rewards by key', async () => {
    const { task } = await read(stepped(['one'], '', '[steps.min_reward]\nspeed = 0.2\nstyle = 1\n'))
    expect(turnOf(task).rewardMin).toEqual({ speed: 0.2, style: 1 })
  })

  it('refuses names that are no folders, that come twice, and steps without an instruction', async () => {
    const bad = async (name: string) =>
      read(stepped([name])).then(
        () => 'read',
        (error: Error) => error.message,
      )
    expect(await bad('..')).toMatch(/task\.toml:4: steps\[0\]\.name must be the name of a folder/)
    await expect(read({ ...stepped(['a']), 'task.toml': '[[steps]]\nname = "a"\n\n[[steps]]\nname = "a"\n' })).rejects.toThrow(
      /task\.toml:5: steps\[1\]\.name is "a" as in an earlier step/,
    )
    await expect(read({ ...stepped(['a']), 'task.toml': '[[steps]]\nname = "b"\n' })).rejects.toThrow(
      /task\.toml:2: steps\[0\]\.name needs .*steps\/b\/instruction\.md, which is missing/,
    )
  })
})

describe('messages', () => {
  it.each([
    ['[environment]\n\ncpus = "two"\n', '…/task.toml:3: environment.cpus must be a number, not "two"'],
    ['[environment]\nmemory_mb = 0\n', '…/task.toml:2: environment.memory_mb must be 1 or more, not 0'],
    ['[environment]\nmemory_mb = 1.5\n', '…/task.toml:2: environment.memory_mb must be a whole number, not 1.5'],
    [
      '[environment]\nmemory = "2 apples"\n',
      '…/task.toml:2: environment.memory must be a size such as "2G" or "512M", not "2 apples"',
    ],
    ['[environment]\nos = "windows"\n', '…/task.toml:2: environment.os is windows: only Linux containers can be run'],
    [
      '[environment]\nnetwork_mode = "publick"\n',
      '…/task.toml:2: environment.network_mode must be one of no-network, public, allowlist, not "publick" (did you mean "public"?)',
    ],
    [
      '[environment]\nallowed_hosts = ["a.org"]\n',
      '…/task.toml:2: environment.allowed_hosts is only allowed with network_mode = "allowlist"',
    ],
    [
      '[environment]\nnetwork_mode = "allowlist"\nallowed_hosts = [\n  "https://a.org/",\n]\n',
      '…/task.toml:3: environment.allowed_hosts[0] must be a host name, *.suffix, address or CIDR range, not "https://a.org/"',
    ],
    [
      `[environment.env]\nKEY = "${'$'}{NOT_SET}"\n`,
      '…/task.toml:2: environment.env.KEY needs the variable NOT_SET, which is not set',
    ],
    ['[environment.healthcheck]\nretries = 2\n', '…/task.toml:1: environment.healthcheck.command is missing or empty'],
    ['[agent]\ntimeout_sec = true\n', '…/task.toml:2: agent.timeout_sec must be a number, not true'],
    ['[agent]\nuser = ""\n', '…/task.toml:2: agent.user must be the name or number of a user'],
    ['[task]\nname = "nameless"\n', '…/task.toml:2: task.name must look like org/name, not "nameless"'],
    ['multi_step_reward_strategy = "best"\n', '…/task.toml:1: multi_step_reward_strategy must be one of mean, final, not "best"'],
    ['artifacts = ["relative"]\n', '…/task.toml:1: artifacts[0] must be an absolute path inside the container, not "relative"'],
    [
      'artifacts = [{ source = "/a", destination = "../b" }]\n',
      '…/task.toml:1: artifacts[0].destination must be a relative path that stays inside the results',
    ],
    ['steps = 3\n', '…/task.toml:1: steps must be a list, not 3'],
    ['[environment\n', '…/task.toml:1:13: '],
  ])('of %j name file, line and key', async (toml, message) => {
    expect(await refusal(toml)).toContain(message)
  })

  it('warn of unknown keys with a suggestion, and of what is not given to the agent', async () => {
    const toml = 'titel = 1\n[agent]\ntimeout_secs = 3\n[environment]\ngpus = 1\nskills_dir = "/s"\ngpu_types = []\n'
    const { warnings, directory } = await read(single(toml))
    expect(warnings.map(warning => warning.replace(directory, '…'))).toEqual([
      '…/task.toml:1: titel is no known key and is passed over',
      '…/task.toml:5: environment.gpus is read and not given to the agent: no environment here has it',
      '…/task.toml:6: environment.skills_dir is read and not given to the agent: no environment here has it',
      '…/task.toml:3: agent.timeout_secs is no known key and is passed over (did you mean "timeout_sec"?)',
    ])
  })

  it('say what is missing where nothing can be built', async () => {
    const { 'environment/Dockerfile': _, ...files } = single('')
    await expect(read(files)).rejects.toThrow(/environment\.docker_image is missing, and there is no .*Dockerfile/)
    await expect(read({ ...files, 'environment/docker-compose.yaml': '' })).rejects.toThrow(
      /docker-compose\.yaml cannot be run here/,
    )
  })
})

it.each([
  ['tests', 'verifier needs …/tests to be a folder, which it is not'],
  ['environment', 'environment needs …/environment to be a folder, which it is not'],
])('a file where the folder %s belongs is a mistake in the task', async (name, message) => {
  const directory = makeTask({ 'task.toml': '[environment]\ndocker_image = "x"\n', 'instruction.md': 'Do it.\n', [name]: 'x' })
  await expect(loadTasks(directory, plain)).rejects.toThrow(message.replace('…', directory))
})

it.each([
  ['instruction.md', 'to be a file'],
  ['environment/Dockerfile', 'to be a file'],
])('a folder where the file %s belongs is a mistake in the task', async (name, message) => {
  const { [name]: _, ...files } = single('')
  await expect(loadTasks(makeTask({ ...files, [`${name}/x`]: '' }), plain)).rejects.toThrow(message)
})

it('a workdir that is a file, and an instruction that is no text, are mistakes in the task', async () => {
  const files = stepped(['one'])
  await expect(loadTasks(makeTask({ ...files, 'steps/one/workdir': 'x' }), plain)).rejects.toThrow(/workdir to be a folder/)
  const directory = makeTask(files)
  writeFileSync(join(directory, 'steps/one/instruction.md'), Buffer.from('caf\u00e9', 'latin1'))
  await expect(loadTasks(directory, plain)).rejects.toThrow(/task\.toml:4: steps\[0\]\.name needs .*instruction\.md to be UTF-8/)
})

it.skipIf(!existsSync('/bin/bash'))('commands are bash’s, as Harbor’s are', () => {
  const [program = '', ...words] = shellCommand('made=(b); [[ -d / ]] && echo "$made"')
  expect(execFileSync(program, words, { encoding: 'utf8' })).toBe('b\n')
})

it('directories of tasks are searched, in order, and tasks are not searched for tasks', async () => {
  const root = makeDirectory()
  for (const name of ['b', 'a', 'group/c']) writeFiles(join(root, name), single(''))
  writeFiles(join(root, 'a/harbor_jobs/x'), single(''))
  writeFiles(join(root, '.hidden'), single(''))
  expect((await findTasks(root)).map(path => path.slice(root.length + 1))).toEqual(['a', 'b', 'group/c'])
  expect((await loadTasks(root)).tasks.map(task => task.id)).toEqual(['a', 'b', 'c'])
  // A task that lies somewhere else; a link to what is none is not followed.
  const elsewhere = makeDirectory()
  writeFiles(join(elsewhere, 'tasks/d'), single(''))
  symlinkSync(join(elsewhere, 'tasks/d'), join(root, 'linked'))
  symlinkSync(join(elsewhere, 'tasks'), join(root, 'tasks'))
  symlinkSync('.', join(root, 'circle'))
  expect((await loadTasks(root)).tasks.map(task => task.id)).toEqual(['a', 'b', 'c', 'linked'])
  expect((await loadTasks(join(root, 'a/task.toml'))).tasks.map(task => task.id)).toEqual(['a'])
  expect((await loadTasks(join(root, 'b'))).tasks.map(task => task.id)).toEqual([basename(join(root, 'b'))])
})

it.each([
  ['<!-- benchmark CANARY 123 -->\n\nDo it.', 'Do it.'],
  ['# canary GUID x\n<!-- canary y -->\n\n\nDo it.\n# canary stays', 'Do it.\n# canary stays'],
  ['# Title\ncanary', '# Title\ncanary'],
  ['canary in a sentence\nDo it.', 'canary in a sentence\nDo it.'],
  ['# canary only', ''],
  ['\nDo it.', '\nDo it.'],
])('marks of a benchmark are taken off: %j', (text, expected) => {
  expect(stripCanary(text)).toBe(expected)
})

it('generated tasks come back as they were written', async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/)
  const shape = fc.record({
    steps: fc.uniqueArray(
      fc.record({
        name,
        agent: fc.option(fc.integer({ min: 1, max: 9999 })),
        least: fc.option(fc.double({ min: -1, max: 1, noNaN: true }).map(value => value + 0)),
      }),
      {
        minLength: 1,
        maxLength: 6,
        selector: step => step.name,
      },
    ),
    cpus: fc.integer({ min: 1, max: 64 }),
    env: fc.dictionary(
      fc.stringMatching(/^[A-Z]{1,5}$/),
      fc.string({ unit: 'grapheme' }).filter(text => !/^\$\{/.test(text)),
    ),
  })
  await fc.assert(
    fc.asyncProperty(shape, async ({ steps, cpus, env }) => {
      const quote = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f')
      const vars = Object.entries(env).map(([key, value]) => `${key} = ${quote(value)}\n`)
      const tables = steps.map(
        step =>
          `[[steps]]\nname = "${step.name}"\n${step.least === null ? '' : `min_reward = ${writeFloat(step.least)}\n`}${step.agent === null ? '' : `[steps.agent]\ntimeout_sec = ${step.agent}\n`}`,
      )
      const toml = `[environment]\ncpus = ${cpus}\n[environment.env]\n${vars.join('')}${tables.join('\n')}`
      const { task, warnings } = await read({ ...stepped(steps.map(step => step.name)), 'task.toml': toml })
      expect(warnings).toEqual([])
      expect(task.environment).toMatchObject({ cpus, env })
      expect(task.turns.map(turn => [turn.name, turn.timeoutMs, turn.rewardMin?.['reward'] ?? null])).toEqual(
        steps.map(step => [step.name, step.agent === null ? null : step.agent * 1000, step.least]),
      )
    }),
    { numRuns: 40 },
  )
})

/** TOML has no exponent without digits before it, and -0 is 0 to a reader. */
const writeFloat = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value))

it.each([
  ['a = """\n[environment]\n"""\n[environment]\ncpus = "x"\n', 5],
  ["a = '''\n\"\"\" cpus = 1\n'''\n\n[environment]\ncpus = 'x'\n", 6],
  ['a = [\n  "[environment]", # cpus = 1\n  { cpus = 2 },\n]\n[environment]\n"cpus" = "x"\n', 6],
  ['a = "\\"[" # [[\nenvironment . cpus = "x"\n', 2],
  ['environment = { os = "linux",\n  cpus = "x" }\n', 1],
])('lines are found through strings and lists: %j', async (toml, line) => {
  expect(await refusal(toml)).toContain(`…/task.toml:${line}: environment.cpus must be a number`)
})
