// The same attacks in every environment: none gains a pass, a look at the tests or a process that lives on. docs/integrity.md lists them.
import { describe, expect, it } from 'vitest'
import { probeSandbox } from '../../runner/environments/_local-sandbox.ts'
import docker from '../../runner/environments/docker.ts'
import local from '../../runner/environments/local.ts'
import { dockerMissing } from '../docker.ts'
import { playAll } from './_attack-play.ts'
import { attacks, containerPlace } from './attack-list.ts'

const noSandbox = await probeSandbox()
if (noSandbox !== null) process.stderr.write(`attacks on the sandbox of local are skipped: ${noSandbox}\n`)

it('attacks without a sandbox change nothing of this machine', () => {
  const changing = /\b(rm|mkfifo|mkdir|touch|chmod)\b[^\n|;&]*\s"?\/(?!etc\b|dev\/null)|> *"?\/(?!dev\/null)/
  for (const { name, script, plain } of attacks) if (plain === undefined) expect(changing.test(script), name).toBe(false)
})

describe.skipIf(noSandbox !== null)('attacks in local with its sandbox', () => {
  playAll(local, attacks, {})
})

describe('attacks in local without a sandbox', () => {
  playAll(
    local,
    attacks.filter(attack => attack.plain === undefined),
    { isolation: 'none' },
  )
})

describe.skipIf(dockerMissing !== null)('attacks in docker', () => {
  playAll(docker, attacks, { place: containerPlace })
})
