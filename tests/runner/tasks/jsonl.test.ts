import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isTurnpikeError } from '../../../core/errors.ts'
import { loadTasks } from '../../../runner/tasks/_all.ts'
import { parseTasks } from '../../../runner/tasks/jsonl.ts'
import { makeDirectory } from '../_sandbox.ts'

const turn = { instruction: 'do it', verifier: { command: ['true'] } }
const task = { id: 'one', title: 'One', files: { 'a/b.txt': 'x' }, turns: [turn] }
const line = (change: object): string => JSON.stringify({ ...task, ...change })

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(isTurnpikeError(error) && error.code).toBe('E_TASK_INVALID')
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

describe('tasks from JSON Lines', () => {
  it('reads tasks between comments and blank lines and knows their lines', () => {
    const text = `# comment\n\n${line({})}\r\n  # another\n${line({ id: 'two', title: undefined })}\n`
    const { tasks, warnings } = parseTasks(text, 'x.jsonl')
    expect(warnings).toEqual([])
    expect(tasks.map(one => [one.id, one.title, one.source.line])).toEqual([
      ['one', 'One', 3],
      ['two', 'two', 5],
    ])
    expect(tasks[0]?.turns[0]).toEqual({
      index: 1,
      instruction: 'do it',
      verifier: { files: {}, command: ['true'], timeoutMs: 120_000 },
      solution: null,
      timeoutMs: null,
    })
  })

  it('warns about unknown keys with the nearest known one and goes on', () => {
    const { tasks, warnings } = parseTasks(line({ titel: 'x', turns: [{ ...turn, instrukt: 1 }] }), 'x.jsonl')
    expect(tasks).toHaveLength(1)
    expect(warnings[0]).toMatch(/^x\.jsonl:1: unknown key "titel".*did you mean "title"/)
    expect(warnings[1]).toMatch(/^x\.jsonl:1: unknown key "turns\[0\]\.instrukt"/)
  })

  it.each([
    ['{"id": ', /^x\.jsonl:1: is not valid JSON/],
    ['[1]', /the line must be a JSON object, not a list/],
    [line({ id: 'a/b' }), /id is "a\/b"/],
    [line({ id: undefined }), /id is missing/],
    [line({ id: 7 }), /id must be a text, not number 7/],
    [line({ turns: [] }), /turns is empty/],
    [line({ turns: {} }), /turns must be a list, not an object/],
    [line({ turns: [{ ...turn, instruction: ' ' }] }), /turns\[0\]\.instruction is empty/],
    [line({ turns: [{ instruction: 'x' }] }), /turns\[0\]\.verifier is missing/],
    [
      line({ turns: [turn, { instruction: 'x', verifier: { command: 'make test' } }] }),
      /turns\[1\]\.verifier\.command must be a command as a list/,
    ],
    [line({ turns: [{ instruction: 'x', verifier: { command: [] } }] }), /turns\[0\]\.verifier\.command is empty/],
    [
      line({ turns: [{ instruction: 'x', verifier: { command: ['a', 1] } }] }),
      /turns\[0\]\.verifier\.command\[1\] must be a text/,
    ],
    [
      line({ turns: [{ instruction: 'x', verifier: { command: ['a'], timeout_ms: 0 } }] }),
      /verifier\.timeout_ms must be a number of milliseconds above 0/,
    ],
    [line({ turns: [{ ...turn, timeout_ms: '5' }] }), /turns\[0\]\.timeout_ms must be a number/],
    [line({ turns: [{ ...turn, solution: 'x' }] }), /turns\[0\]\.solution must be a command/],
    [line({ files: { '/etc/passwd': '' } }), /files\["\/etc\/passwd"\] must be a relative path/],
    [line({ files: { 'a/../../b': '' } }), /leads out of the workspace/],
    [line({ files: { '..': '' } }), /leads out of the workspace/],
    [line({ files: { 'a\\b': '' } }), /forward slashes/],
    [line({ files: { 'a/': '' } }), /is not a file path/],
    [line({ files: { a: '', 'a/b': '' } }), /needs "a" as a file and as a directory/],
    [line({ files: { 'a/b': '', './a/b': '' } }), /names "a\/b" twice/],
    [line({ files: { a: 5 } }), /files\["a"\] must be a text/],
  ])('refuses %s', (text, message) => {
    expect(messageOf(() => parseTasks(text, 'x.jsonl'))).toMatch(message)
  })

  it('loads a directory in the order of its file names and refuses an id used twice', async () => {
    const directory = makeDirectory()
    writeFileSync(join(directory, 'b.jsonl'), line({ id: 'b' }))
    writeFileSync(join(directory, 'a.jsonl'), line({ id: 'a' }))
    writeFileSync(join(directory, 'README.md'), 'no task')
    expect((await loadTasks(directory)).tasks.map(one => one.id)).toEqual(['a', 'b'])
    writeFileSync(join(directory, 'c.jsonl'), `\n${line({ id: 'a' })}`)
    await expect(loadTasks(directory)).rejects.toThrow(/c\.jsonl:2: id "a" is already used at .*a\.jsonl:1/)
  })

  it('says what is wrong with a path that holds no tasks', async () => {
    const directory = makeDirectory()
    await expect(loadTasks(join(directory, 'none.jsonl'))).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
    await expect(loadTasks(directory)).rejects.toThrow(/no task format fits this directory; known formats: .*jsonl \(/)
    writeFileSync(join(directory, 'x.jsonl'), '# nothing\n')
    await expect(loadTasks(directory)).rejects.toThrow(/holds no task/)
  })
})
