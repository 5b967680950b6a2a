// The attacks on `local` where Turnpike is not root: what an agent locks is locked for the runner too, and must fail the agent and not the trial.
// Started by root, this file becomes nobody before anything else; another user is plain already.
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { probeSandbox } from '../../runner/environments/_local-sandbox.ts'
import local from '../../runner/environments/local.ts'
import { playAll } from './_attack-play.ts'
import { attacks } from './attack-list.ts'

const nobody = 65534
const missing = await becomePlain()
if (missing !== null) process.stderr.write(`attacks where Turnpike is not root are skipped: ${missing}\n`)

async function becomePlain(): Promise<string | null> {
  if (process.getuid?.() === 0) {
    process.setgroups?.([])
    process.setgid?.(nobody)
    process.setuid?.(nobody)
  }
  try {
    accessSync(join(import.meta.dirname, 'attack-list.ts'), constants.R_OK)
    process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), 'turnpike-plain-'))
  } catch (error) {
    return String(error)
  }
  return probeSandbox()
}

describe.skipIf(missing !== null)('attacks in local, not as root', () => {
  afterAll(() => rmSync(process.env['TMPDIR'] ?? '', { recursive: true, force: true }))

  it('nothing here is root', () => {
    expect(process.getuid?.()).not.toBe(0)
  })
  describe('with its sandbox', () => {
    playAll(local, attacks, {})
  })
  describe('without a sandbox', () => {
    playAll(
      local,
      attacks.filter(attack => attack.plain === undefined && attack.reward !== true),
      { isolation: 'none' },
    )
  })
})
