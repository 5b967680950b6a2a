// Plays one attack in an environment: the agent's turn, a verification that must fail, and a look at what the agent has gained from it.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Verifier } from '../../core/task.ts'
import type { Environment } from '../../runner/environments/_adapter.ts'
import { type Verification, verifyTurn } from '../../runner/verify.ts'
import { never } from '../runner/_sandbox.ts'
import type { Attack } from './attack-list.ts'

export interface Spoils {
  readonly verification: Verification | null
  /** Files of the agent's reach that hold the secret after the verification. */
  readonly loot: string
  /** Ids of processes of the agent that still live. */
  readonly alive: readonly number[]
}

export async function playAttack(environment: Environment, attack: Attack): Promise<Spoils> {
  const secret = `SECRET-${randomBytes(8).toString('hex')}`
  const mark = `attack-${randomBytes(8).toString('hex')}`
  const loot = `${environment.home}/loot`
  const place = dirname(environment.workspace)
  const env = { LOOT: loot, MARK: mark, PLACE: place === '/' ? '/nowhere' : place, WORK: environment.workspace }
  // The secret is told to the script in two halves: nothing the agent writes down holds it.
  const tell = `SECRET="${secret.slice(0, 9)}""${secret.slice(9)}"; export SECRET; mkdir -p "$LOOT"\n`
  await environment.writeFiles(environment.workspace, {
    'README.md': 'start\n',
    ...(attack.work === undefined
      ? {}
      : { 'work.sh': `export LOOT='${loot}' PLACE='${env.PLACE}' MARK='${mark}'\n${attack.work}\n` }),
  })
  await environment.exec(['sh', '-c', `${tell}${attack.script}`], { env, timeoutMs: 60_000, signal: never })
  const verification = await verifyTurn(environment, makeVerifier(attack, secret), never)
  const search = `sleep 1.2; find "$HOME" "$1" "$PLACE" $TMPDIR /tmp/$MARK /dev/shm/$MARK /tests /logs /turnpike -type f -size -100k -exec grep -ls "$0" {} + 2>/dev/null; :`
  const found = await environment.exec(['sh', '-c', search, secret, environment.workspace], {
    env,
    timeoutMs: 60_000,
    signal: never,
    cwd: '/',
  })
  return { verification, loot: found.stdout, alive: findMarked(mark) }
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

/** Seen from this machine, so that no process can hide in its own view. */
function findMarked(mark: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(id => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })
}
