// Harbor tasks in real containers, one promise of docs/tasks.md and docs/harbor.md each. Tests are shell scripts that write 1 when the promise
// holds, so that a reward is the answer of whoever would have noticed.
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { ownerName } from '../../runner/environments/_docker-reaper.ts'
import type { RunOptions } from '../../runner/run.ts'
import { loadTasks } from '../../runner/tasks/_all.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { atEnd } from '../runner/_sandbox.ts'
import { openBench, script } from '../runner/_tasks.ts'
import { makeTask, single, stepped } from '../runner/tasks/_harbor-files.ts'
import { removeImages } from './_task-images.ts'

interface Played {
  readonly files: Readonly<Record<string, string>>
  readonly agent: string
  readonly compat?: boolean
  readonly change?: Partial<RunOptions>
}

async function play({ files, agent, compat = false, change = {} }: Played) {
  const directory = makeTask(files)
  atEnd(() => removeImages(directory))
  const { tasks, warnings } = await loadTasks(directory, { environment: {}, harborCompat: compat })
  expect(warnings).toEqual([])
  const bench = await openBench()
  const { trials } = await bench.run({
    tasks,
    agents: [script(agent)],
    environment: 'docker',
    ...(compat ? { harborCompat: true, freshSession: true } : {}),
    ...change,
  })
  const [trial] = trials
  if (trial === undefined) throw new Error('no trial')
  const told = bench.events
    .filter(event => event.type === 'attempt-verified')
    .map(event => event.data as { rewards?: { reward: number } })
  const read = await bench.read(trial.id)
  const kept = (turn: number, part: string): string =>
    join(bench.directory, 'files', 'trials', trial.id, 'turns', String(turn), part)
  return { trial, ...read, rewards: told.map(data => data.rewards?.reward ?? null), kept, events: bench.events }
}

/** A test script that writes 1 when the condition holds. */
const check = (condition: string): string =>
  `#!/bin/sh\nr=0; { ${condition}; } && r=1\nid; env; ls -la /app /tests\necho "$r" > /logs/verifier/reward.txt\n`

/** A chain whose steps have these tests. */
function chain(conditions: Readonly<Record<string, string>>, toml: string, perStep: Readonly<Record<string, string>> = {}) {
  const files = stepped(Object.keys(conditions), toml)
  for (const [name, condition] of Object.entries(conditions)) files[`steps/${name}/tests/test.sh`] = check(condition)
  let text = toml
  for (const name of Object.keys(conditions)) text += `\n[[steps]]\nname = "${name}"\n${perStep[name] ?? ''}`
  return { ...files, 'task.toml': text }
}

describe.skipIf(dockerMissing !== null)('Harbor tasks in containers', { timeout: 180_000 }, () => {
  it('a separate verifier has an image of its own and sees artifacts, which hooks may make, and nothing else', async () => {
    const files = {
      ...single(
        '[verifier]\nenvironment_mode = "separate"\n[[verifier.collect]]\ncommand = "cp made.txt /logs/artifacts/collected.txt; id -un >> /logs/artifacts/collected.txt"\nuser = "agent"\n',
      ),
      'tests/Dockerfile': `FROM ${testImage}\nENV MARK=harbor-test-image\nCOPY test.sh /tests/test.sh\nRUN mkdir -p /logs/verifier && chmod +x /tests/test.sh\n`,
      'tests/test.sh': check(
        '[ "$(cat /logs/artifacts/collected.txt)" = "work\nagent" ] && [ ! -e /app/made.txt ] && [ "$MARK" = harbor-test-image ]',
      ),
    }
    const agent = 'echo work > made.txt; mkdir -p /logs/artifacts; chmod 777 /logs/artifacts; ls /tests > seen.txt 2>&1'
    const { rewards, attempts, kept } = await play({ files, agent })
    expect([rewards, attempts[0]?.verifierOutput]).toEqual([[1], expect.any(String)])
    expect(readFileSync(join(kept(1, 'artifacts'), 'logs/artifacts/collected.txt'), 'utf8')).toBe('work\nagent\n')
  })

  it('a separate verifier has the network of its phase, files of the root among its artifacts, and links wherever they lead', async () => {
    const files = {
      ...single(
        'artifacts = ["/result.txt", "/app", { source = "/app/dir", destination = "dir", exclude = ["*.tmp"] }]\n[verifier]\nenvironment_mode = "separate"\nnetwork_mode = "no-network"\n',
      ),
      'tests/Dockerfile': `FROM ${testImage}\nCOPY test.sh /tests/test.sh\n`,
      'tests/test.sh': check(
        '[ "$(cat /result.txt)" = hi ] && [ "$(readlink /app/python)" = /usr/bin/python3 ] && [ -e /app/dir/b.tmp ] && ! grep -q eth /proc/net/dev',
      ),
    }
    const agent = 'echo hi > /result.txt; ln -s /usr/bin/python3 python; ln -s nowhere gone; mkdir dir; touch dir/a.txt dir/b.tmp'
    const { rewards, trial, kept } = await play({ files, agent })
    expect([trial.outcome?.kind, rewards]).toEqual(['finished', [1]])
    expect(readdirSync(join(kept(1, 'artifacts'), 'dir'))).toEqual(['a.txt'])
    expect(readdirSync(join(kept(1, 'artifacts'), 'app/dir')).sort()).toEqual(['a.txt', 'b.tmp'])
  })

  it('scripts that name no shell, health checks and hooks are bash’s where there is one', async () => {
    const bashOnly = '[[ -d /app ]]'
    const files = {
      ...single(
        `[environment.healthcheck]\ncommand = "${bashOnly}"\nretries = 1\n[[verifier.collect]]\ncommand = "[[ 1 == 1 ]] && echo x > /app/hook"\n`,
      ),
      'solution/solve.sh': 'made=(b)\necho "$made" > /app/out\n',
      'tests/test.sh':
        'if [[ $(cat /app/out) == b && -e /app/hook ]]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt\n',
    }
    const oracle = { agents: [{ id: 'oracle', model: null }] }
    expect((await play({ files, agent: '', change: oracle })).rewards).toEqual([1])
    const without = `FROM ${testImage}\nWORKDIR /app\nRUN rm /bin/bash\n`
    const plain = { ...single(''), 'environment/Dockerfile': without, 'tests/test.sh': 'echo 1 > /logs/verifier/reward.txt\n' }
    expect((await play({ files: plain, agent: '', change: oracle })).rewards).toEqual([1])
  })

  it('each step has artifacts of its own, which the user it names can write', async () => {
    const files = chain({ one: 'true', two: 'true' }, 'schema_version = "1.3"\n[agent]\nuser = "agent"\n')
    const agent = 'echo "$1" > /logs/agent/log; ls /logs/artifacts; touch "/logs/artifacts/$(echo "$1" | cut -c4-6)"'
    const { attempts, kept } = await play({ files, agent })
    expect(attempts.map(attempt => [attempt.agentExit, attempt.agentOutput])).toEqual([
      [0, ''],
      [0, ''],
    ])
    expect(readdirSync(join(kept(2, 'artifacts'), 'logs/artifacts'))).toEqual(['two'])
  })

  it('an agent that takes away the user it is verified or played by has failed; a user who never was is the task’s mistake', async () => {
    const named = '[verifier]\nuser = "agent"\n'
    const removed = await play({ files: single(named), agent: 'rm /etc/passwd' })
    expect([removed.trial.outcome?.kind, removed.states]).toEqual(['finished', ['failed']])
    const files = chain({ one: 'true', two: 'true' }, '', { two: '[steps.agent]\nuser = "agent"\n' })
    const next = await play({ files, agent: 'grep -v agent /etc/passwd > /p; mv /p /etc/passwd' })
    expect([next.states, next.attempts[1]?.agentExit]).toEqual([['passed', 'passed'], 126])
    const never = await play({ files: single(named.replace('agent', 'ghost')), agent: 'echo >> /etc/passwd' })
    expect([never.trial.outcome?.kind, never.states]).toEqual(['environment-failed', ['infra-error']])
  })

  it('agent, set-up and verifier work as the users they name', async () => {
    const files = {
      ...chain(
        {
          one: '[ "$(id -un)" = root ] && [ "$(cat who.txt)" = agent ] && [ "$(cat setup.txt)" = agent ]',
          two: '[ "$(id -u)" = 1000 ]',
        },
        'schema_version = "1.2"\n[agent]\nuser = "agent"\n[verifier]\nuser = 0\n',
        { two: '[steps.verifier]\nuser = "agent"\n' },
      ),
      'environment/Dockerfile': `FROM ${testImage}\nWORKDIR /app\nRUN chown agent /app\n`,
      'steps/one/workdir/setup.sh': '#!/bin/sh\nid -un > setup.txt\n',
    }
    const { rewards, states } = await play({ files, agent: 'id -un > who.txt' })
    expect([rewards, states]).toEqual([
      [1, 1],
      ['passed', 'passed'],
    ])
  })

  it('the network is what the phase says: for the agent of a step, and for a verifier', async () => {
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    atEnd(() => server.close())
    const { port } = server.address() as AddressInfo
    const ask = `const p=new URL(process.env.HTTP_PROXY||'http://127.0.0.1:1');require('http').get({host:p.hostname,port:p.port,path:'http://localhost:${port}/'},r=>console.log(r.statusCode)).on('error',()=>console.log('none'))`
    const look = `node -e "${ask}"`
    const allow = 'network_mode = "allowlist"\nallowed_hosts = ["localhost"]\n'
    const files = chain(
      { one: `[ "$(${look})" = 200 ]`, two: `[ "$(${look})" != 200 ]`, three: `[ "$(${look})" != 200 ]` },
      'schema_version = "1.3"\n[environment]\nnetwork_mode = "no-network"\n',
      { one: `[steps.verifier]\n${allow}`, two: `[steps.agent]\n${allow}` },
    )
    const { rewards, trial, attempts } = await play({ files, agent: look })
    expect([trial.outcome?.kind, rewards]).toEqual(['finished', [1, 1, 1]])
    expect(attempts.map(attempt => attempt.agentOutput.trim() === '200')).toEqual([false, true, false])
  })

  it('a health check is asked until it holds, and one that never does is nobody’s failure', async () => {
    const counting = 'echo x >> /asked; [ "$(wc -l < /asked)" -ge 3 ]'
    const environment = `[environment.healthcheck]\ncommand = ${JSON.stringify(counting)}\ninterval_sec = 0.1\nretries = 5\n`
    const files = chain(
      { one: '[ "$(wc -l < /asked)" = 3 ]', two: 'true', three: 'true' },
      `schema_version = "1.2"\n${environment}`,
      { two: '[steps.healthcheck]\ncommand = "test -e up"\ninterval_sec = 0.1\nretries = 2\n' },
    )
    const { rewards, states, trial, events } = await play({ files, agent: 'true' })
    expect([rewards, states]).toEqual([[1], ['passed', 'infra-error', 'infra-error']])
    expect(trial.outcome).toMatchObject({
      kind: 'environment-failed',
      reason: expect.stringContaining('health check of turn two'),
    })
    expect(events.filter(event => event.type === 'agent-ended')).toHaveLength(1)
  })

  it('artifacts of task and step are kept, with a list that also names what was missing', async () => {
    const files = chain(
      { one: 'true', two: 'true' },
      'schema_version = "1.2"\nartifacts = ["/app/out.txt", { source = "/app/dir", destination = "kept", exclude = ["*.tmp"] }]\n',
      { two: 'artifacts = ["/app/never"]\n' },
    )
    const agent =
      'echo "$1" > out.txt; mkdir -p dir /logs/artifacts; echo a > dir/a.txt; echo b > dir/b.tmp; echo c > /logs/artifacts/c.txt'
    const { kept } = await play({ files, agent })
    const manifest = (turn: number): unknown[] =>
      JSON.parse(readFileSync(join(kept(turn, 'artifacts'), 'manifest.json'), 'utf8')).map((entry: Record<string, unknown>) => [
        entry['source'],
        entry['type'],
        entry['status'],
      ])
    const common = [
      ['/logs/artifacts', 'directory', 'ok'],
      ['/app/out.txt', 'file', 'ok'],
      ['/app/dir', 'directory', 'ok'],
    ]
    expect([manifest(1), manifest(2)]).toEqual([common, [...common, ['/app/never', 'file', 'failed']]])
    expect(readdirSync(join(kept(1, 'artifacts'), 'kept'))).toEqual(['a.txt'])
    expect(readFileSync(join(kept(2, 'artifacts'), 'app/out.txt'), 'utf8')).toBe('Do two.\n\n')
    expect(readFileSync(join(kept(2, 'artifacts'), 'logs/artifacts/c.txt'), 'utf8')).toBe('c\n')
  })

  it('a missed minimum ends the chain, by the one reward or by keys', async () => {
    const minimum = { one: 'min_reward = 1.0\n', two: 'min_reward = { reward = 0.5, speed = 0.5 }\n' }
    const files = chain({ one: 'true', two: 'true', three: 'true' }, 'schema_version = "1.2"\n', minimum)
    const { rewards, states, trial } = await play({ files, agent: 'true' })
    expect([rewards, states, trial.outcome?.kind]).toEqual([[1, 1], ['passed', 'passed', 'not-reached'], 'finished'])
  })

  it('memory and processors are limited; room on the disk where the daemon can', async () => {
    const look =
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max'
    const files = {
      ...single('[environment]\nmemory_mb = 64\ncpus = 0.5\nstorage_mb = 64\n'),
      'tests/test.sh': check(`[ "$( { ${look}; } | head -1)" = 67108864 ]`),
    }
    const agent = `${look}; node -e "const a=[];for(;;)a.push(Buffer.alloc(8e6,1))"; echo "ended $?"`
    const { rewards, attempts } = await play({ files, agent })
    expect(rewards).toEqual([1])
    const told = attempts[0]?.agentOutput ?? ''
    expect(told).toMatch(/^67108864\n50000/)
    expect(told).toContain('ended 137')
    const { DriverStatus = [] } = (await (await useDocker()).info()) as { DriverStatus?: string[][] }
    const isLimited = DriverStatus.some(([name, value]) => name === 'Backing Filesystem' && value === 'btrfs')
    const hog = await play({ files, agent: 'dd if=/dev/zero of=big bs=1M count=128 2>&1 | tail -1' })
    // Elsewhere it is measured when the turn is verified: the turn of who took too much has failed, and nobody else's.
    if (isLimited) expect(hog.attempts[0]?.agentOutput).toMatch(/no space|quota/i)
    else expect([hog.states, hog.trial.outcome?.kind]).toEqual([['failed'], 'finished'])
  })

  it('by default what an agent leaves running is dead before the tests, and they work on a copy', async () => {
    const leave = '(while :; do echo alive >> /app/beats; sleep 0.1; done) >/dev/null 2>&1 &'
    const files = chain(
      {
        one: 'n=$(wc -l < beats); sleep 1; [ "$n" = "$(wc -l < beats)" ] && touch /app/by-tests',
        two: '[ ! -e by-tests ] && [ ! -e leaked ]',
      },
      'schema_version = "1.2"\n',
    )
    const { rewards } = await play({ files, agent: `${leave} sleep 0.5; ls /tests/test.sh 2>/dev/null > leaked || rm leaked` })
    expect(rewards).toEqual([1, 1])
  })

  it('under compat an agent’s server lives on into the tests and the next step, which begins anew where the tests worked', async () => {
    const serve = '[ -e beats ] || { (while :; do echo alive >> /app/beats; sleep 0.1; done) >/dev/null 2>&1 & }'
    const agent = `echo "$2" >> sessions; ${serve}; sleep 0.5; ls /tests/test.sh /logs/verifier/reward.txt 2>/dev/null > leaked || rm leaked`
    const alive = 'n=$(wc -l < beats); sleep 1; [ "$n" -lt "$(wc -l < beats)" ]'
    const files = chain(
      {
        one: `${alive} && touch /app/by-tests`,
        two: `${alive} && [ -e by-tests ] && [ ! -e leaked ] && [ "$(sort -u sessions | wc -l)" = 2 ]`,
      },
      'schema_version = "1.2"\n[verifier]\ntimeout_sec = 1800\n',
    )
    const { rewards, trial } = await play({ files, agent, compat: true })
    expect([rewards, trial.outcome?.kind]).toEqual([[1, 1], 'finished'])
  })

  it('under compat a step that leaves no reward ends the chain; by default it is a failed turn', async () => {
    const files = {
      ...chain({ one: 'true', two: 'true' }, 'schema_version = "1.2"\n'),
      'steps/one/tests/test.sh': '#!/bin/sh\nexit 0\n',
    }
    expect((await play({ files, agent: 'true' })).states).toEqual(['failed', 'passed'])
    expect((await play({ files, agent: 'true', compat: true })).states).toEqual(['failed', 'not-reached'])
  })

  it('leaves no container and no network behind', async () => {
    const docker = await useDocker()
    const filters = { label: [`${labels.owner}=${ownerName()}`] }
    expect(await docker.listContainers({ all: true, filters })).toEqual([])
    expect(await docker.listNetworks({ filters })).toEqual([])
  })
})
