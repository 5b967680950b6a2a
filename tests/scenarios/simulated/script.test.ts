import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeError } from '../../../core/error-text.ts'
import { isTurnpikeError, type TurnpikeError } from '../../../core/errors.ts'
import { defaultPace, parseScript, readScript } from '../../../scenarios/simulated/script.ts'

function errorOf(text: string): TurnpikeError {
  try {
    parseScript(text, 'script.yaml')
  } catch (error) {
    if (isTurnpikeError(error)) return error
    throw error
  }
  throw new Error('the script was accepted')
}

describe('parseScript', () => {
  it('reads every key, with units in names and defaults filled', () => {
    const script = parseScript(
      `
version: 1
models: [simulated-1, simulated-2]
defaults: { delay_ms: 5, chunk_chars: 3, chunk_delay_ms: 2 }
rules:
  - when: { user: "^build", feedback: true, model: "sim", nth: 2 }
    steps:
      - thinking: hm
        text: hello
        shell: |
          echo 1
          echo 2
        tools: [{ name: Write, input: { path: a, lines: [1, null] } }]
        stop: max_tokens
        usage: { input: 10, cached_read: 1, cached_write: 2, output: 20 }
        delay_ms: 200
        fault: { kind: status, status: 429, retry_after_s: 1, times: 2 }
      - text: done
        chunk_delay_ms: 7
`,
      'script.yaml',
    )
    expect(script.models).toEqual(['simulated-1', 'simulated-2'])
    expect(script.pace).toEqual({ delayMs: 5, chunkChars: 3, chunkDelayMs: 2 })
    expect(script.rules[0]?.when).toEqual({ user: /^build/, feedback: true, model: /sim/, nth: 2 })
    expect(script.rules[0]?.steps).toEqual([
      {
        thinking: 'hm',
        text: 'hello',
        shell: 'echo 1\necho 2\n',
        tools: [{ name: 'Write', input: { path: 'a', lines: [1, null] } }],
        stop: 'max_tokens',
        usage: { input: 10, cachedRead: 1, cachedWrite: 2, output: 20 },
        pace: { delayMs: 200 },
        fault: { kind: 'status', status: 429, retryAfterS: 1, afterEvents: 1, ms: 1_000, times: 2 },
      },
      { thinking: null, text: 'done', shell: null, tools: [], stop: null, usage: null, pace: { chunkDelayMs: 7 }, fault: null },
    ])
  })

  it('takes JSON as it takes YAML', () => {
    const json = JSON.stringify({ version: 1, rules: [{ steps: [{ text: 'hi' }] }] })
    expect(parseScript(json, 'script.json')).toEqual(
      parseScript('version: 1\nrules:\n  - steps: [{ text: hi }]\n', 'script.yaml'),
    )
  })

  it('needs nothing but a version', () => {
    expect(parseScript('version: 1', 'script.yaml')).toEqual({ models: null, pace: defaultPace, rules: [] })
  })
})

describe('a wrong script', () => {
  it.each([
    ['an unknown key', 'version: 1\nruls: []\n', 'script.yaml:2:1: unknown key "ruls"; did you mean "rules"?'],
    [
      'an unknown key of a step',
      'version: 1\nrules:\n  - steps:\n      - txt: a\n',
      'script.yaml:4:9: unknown key "txt" in rules[0].steps[0]',
    ],
    [
      'an unknown condition',
      'version: 1\nrules:\n  - when: { usr: a }\n    steps: [{ text: a }]\n',
      'script.yaml:3:13: unknown key "usr"',
    ],
    [
      'a wrong type',
      'version: 1\nrules:\n  - steps:\n      - text: 5\n',
      'script.yaml:4:15: "rules[0].steps[0].text" must be a text, not 5',
    ],
    ['no steps', 'version: 1\nrules:\n  - steps: []\n', 'script.yaml:3:12: "rules[0].steps" must not be empty'],
    ['a rule without steps', 'version: 1\nrules:\n  - when: {}\n', 'missing key "rules[0].steps"'],
    ['a later version', 'version: 2\n', 'script.yaml:1:10: "version" must be 1, not 2'],
    [
      'a pattern that does not compile',
      'version: 1\nrules:\n  - when: { user: "(" }\n    steps: [{ text: a }]\n',
      'script.yaml:3:19: "user" is not a regular expression',
    ],
    ['an unknown fault', 'version: 1\nrules:\n  - steps: [{ fault: { kind: stal } }]\n', 'did you mean "stall"?'],
    [
      'a key the fault does not know',
      'version: 1\nrules:\n  - steps: [{ fault: { kind: cut, status: 500 } }]\n',
      'script.yaml:3:35: "status" means nothing to a fault of kind "cut"',
    ],
    [
      'a status that is no error',
      'version: 1\nrules:\n  - steps: [{ fault: { kind: status, status: 200 } }]\n',
      'script.yaml:3:46',
    ],
    ['the same key twice', 'version: 1\nversion: 1\n', 'script.yaml:2:1'],
    ['broken syntax', 'version: 1\nrules: [\n', 'script.yaml:'],
    ['an empty file', '', 'script.yaml:1:1'],
  ])('%s is named with file, line and column', (_what, text, message) => {
    const error = errorOf(text)
    expect(error.code).toBe('E_SCRIPT_INVALID')
    expect(error.message).toContain(message)
    expect(describeError(error)).toContain('docs/simulated-provider.md')
  })
})

describe('readScript', () => {
  it('reads a file and names it in errors', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'script-'))
    try {
      const file = join(folder, 'mine.yaml')
      writeFileSync(file, 'version: 1\nrules: [{ steps: [{ text: hi }] }]\n')
      expect((await readScript(file)).rules).toHaveLength(1)
      writeFileSync(file, 'version: one\n')
      await expect(readScript(file)).rejects.toMatchObject({
        code: 'E_SCRIPT_INVALID',
        message: expect.stringContaining(`${file}:1:10`),
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('says when there is no such file', async () => {
    await expect(readScript('/nowhere/script.yaml')).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
  })
})
