// Plays one attack in an environment: the agent's turn, a verification that must fail, and a look at what the agent has gained from it.
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Verifier } from '../../core/task.ts'
import type { Environment } from '../../runner/environments/_adapter.ts'
import { verifyByReward } from '../../runner/reward-verification.ts'
import { type Verification, verifyTurn } from '../../runner/verify.ts'
import { findMarked, never } from '../runner/_sandbox.ts'
import type { Attack } from './attack-list.ts'

/** How the verifier tells its result: by what it prints and reports, or by a reward in a file as Harbor's do. */
export type Telling = 'results' | 'reward'

export interface Spoils {
  readonly verification: Verification | null
  /** Files of the agent's reach that hold the secret after the verification. */
  readonly loot: string
  /** Ids of processes of the agent that still live. */
  readonly alive: readonly number[]
  /** Names in the snapshot of the workspace, which is taken outside of all isolation. */
  readonly exported: readonly string[]
}

export async function playAttack(environment: Environment, attack: Attack, telling: Telling): Promise<Spoils> {
  const secret = `SECRET-${randomBytes(8).toString('hex')}`
  const mark = `attack-${randomBytes(8).toString('hex')}`
  const loot = `${environment.home}/loot`
  const place = dirname(environment.workspace)
  // Absolute places of tests and rewards are this machine's own where there is no container: there the script gets others.
  const rooted = environment.isolation === 'container' ? '' : `${place}/rooted`
  const env = {
    ...{ LOOT: loot, MARK: mark, TESTS: `${rooted}/tests`, LOGS: `${rooted}/logs` },
    ...{ PLACE: place === '/' ? '/nowhere' : place, WORK: environment.workspace },
  }
  // The secret is told to the script in two halves: nothing the agent writes down holds it.
  const tell = `SECRET="${secret.slice(0, 9)}""${secret.slice(9)}"; export SECRET; mkdir -p "$LOOT"\n`
  await environment.writeFiles(environment.workspace, {
    'README.md': 'start\n',
    ...(attack.work === undefined
      ? {}
      : { 'work.sh': `export LOOT='${loot}' PLACE='${env.PLACE}' MARK='${mark}'\n${attack.work}\n` }),
  })
  await environment.exec(['sh', '-c', `${tell}${attack.script}`], { env, timeoutMs: 60_000, signal: never })
  const exported = await listExported(environment)
  const verification = await (telling === 'results' ? verifyTurn : verifyReward)(environment, makeVerifier(attack, secret), never)
  // What a verification leaves behind may come out later.
  const wait = attack.work === undefined ? '' : 'sleep 1.2; '
  const search = `${wait}find "$HOME" "$1" "$PLACE" $TMPDIR /tmp/$MARK /dev/shm/$MARK /tests /logs /turnpike /etc/hidden -type f -size -100k -exec grep -ls "$0" {} + 2>/dev/null; :`
  const found = await environment.exec(['sh', '-c', search, secret, environment.workspace], {
    env,
    timeoutMs: 60_000,
    signal: never,
    cwd: '/',
  })
  return { verification, loot: found.stdout, alive: findMarked(mark), exported }
}

async function listExported(environment: Environment): Promise<string[]> {
  const directory = await environment.exportWorkspace()
  return lstatSync(directory).isDirectory() ? readdirSync(directory) : ['(the snapshot is no directory)']
}

/** The same hidden script, brought in as a directory of tests; its reward is 0. Absolute places exist in containers only. */
async function verifyReward(environment: Environment, verifier: Verifier, signal: AbortSignal): Promise<Verification | null> {
  const isContainer = environment.isolation === 'container'
  const [to, directory] = isContainer ? ['/tests', '/logs/verifier'] : ['tests', 'results']
  const tests = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
  try {
    const [[name, text] = ['', '']] = Object.entries(verifier.files)
    const file = name.slice(name.indexOf('/') + 1)
    writeFileSync(join(tests, file), text)
    const command = verifier.command.map(part => (part === name ? `${to}/${file}` : part))
    const script = `"$@" "${directory}"; [ -s ${directory}/reward.txt ] || echo 0 > ${directory}/reward.txt`
    return await verifyByReward(
      {
        environment,
        openSeparate: () => Promise.reject(new Error('not asked for')),
        restoreNetwork: async () => undefined,
        resultDirectory: join(tests, 'kept'),
        stagingDirectory: join(tests, 'staging'),
        harborCompat: false,
        signal,
      },
      { ...verifier, files: {}, command: ['sh', '-c', script, 'sh', ...command], trees: [{ directory: tests, to }] },
      directory,
    )
  } finally {
    rmSync(tests, { recursive: true, force: true })
  }
}

function makeVerifier(attack: Attack, secret: string): Verifier {
  if (attack.verifier === 'node')
    return {
      files: {
        'hidden/secret.test.mjs': `// ${secret}\nimport test from 'node:test'\ntest('real', () => { throw new Error('no') })\n`,
      },
      command: ['node', '--test', '--test-reporter=tap', 'hidden/secret.test.mjs'],
      timeoutMs: 30_000,
    }
  const script = `# ${secret}\nsleep 0.5\n[ -f work.sh ] && sh ./work.sh\nsleep 0.1\necho 'not ok 1 - real'\necho 1..1\nexit 1\n`
  return { files: { 'hidden/secret.sh': script }, command: ['sh', 'hidden/secret.sh'], timeoutMs: 30_000 }
}
