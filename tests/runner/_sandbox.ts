// Temporary directories that vanish after the test, and small things every runner test needs.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Environment, EnvironmentSpec } from '../../runner/environments/_adapter.ts'
import local from '../../runner/environments/local.ts'

/** What is registered last goes first. Registered with the test: a hook of this file would be lost where files share a process. */
export function atEnd(cleanup: () => unknown): void {
  onTestFinished(async () => {
    await cleanup()
  })
}

export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-test-'))
  atEnd(() => removeDirectory(directory))
  return directory
}

/** Programs of a test that are being ended may still write. */
async function removeDirectory(directory: string, triesLeft = 10): Promise<void> {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    if (triesLeft === 0) throw error
    await new Promise(resolve => setTimeout(resolve, 50))
    await removeDirectory(directory, triesLeft - 1)
  }
}

let trials = 0

/** What a trial without wishes asks of an environment. */
export function plainSpec(trialId: string, path: string | null = null): EnvironmentSpec {
  return { trialId, runId: 'run', path, place: null, layer: null, proxyUrl: 'http://127.0.0.1:9' }
}

export async function openLocal(trialId = `test${process.pid}x${++trials}`): Promise<Environment> {
  const environment = await local.open(plainSpec(trialId), never)
  atEnd(() => environment.close())
  return environment
}

/** A signal that never fires. */
export const never = new AbortController().signal

export async function waitFor(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}

/** Processes with that word on their command line. Seen from this machine, so that none can hide in its own view. */
export function findMarked(mark: string): number[] {
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
