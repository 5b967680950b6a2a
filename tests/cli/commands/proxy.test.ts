import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentKey, openPlace, type Place } from '../_cli.ts'

let place: Place
beforeEach(() => {
  place = openPlace()
})
afterEach(() => place.close())

async function ask(url: string): Promise<Response> {
  return fetch(`${url}/s/probe/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${agentKey}` },
    body: JSON.stringify({ model: 'sim', messages: [{ role: 'user', content: 'Hello?' }] }),
  })
}

describe('turnpike proxy', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints one line, answers, and ends with 0 after %s', async signal => {
    const proxy = place.start(['proxy', '--simulated', '--port', '0'])
    const line = await proxy.firstLine()
    expect(line).toMatch(/^listening http:\/\/127\.0\.0\.1:\d+$/)
    const response = await ask(line.replace('listening ', ''))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-turnpike-simulated')).toBe('true')
    await response.text()
    proxy.child.kill(signal)
    const ended = await proxy.ended
    expect(ended.code).toBe(0)
    expect(ended.stdout).toBe(`${line}\n`)
    expect(ended.stderr).toBe('')
  })

  it('says the same as a JSON line', async () => {
    const proxy = place.start(['proxy', '--simulated', '--port', '0', '--json'])
    expect(JSON.parse(await proxy.firstLine())).toEqual({
      event: 'listening',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    })
  })

  it('names the authority that agents must trust when it intercepts', async () => {
    const proxy = place.start(['proxy', '--simulated', '--port', '0', '--json', '--intercept', 'api.example.com,*.example.org'])
    const line = JSON.parse(await proxy.firstLine()) as { url: string; intercept_ca: string }
    expect(readFileSync(line.intercept_ca, 'utf8')).toContain('BEGIN CERTIFICATE')
    proxy.child.kill('SIGTERM')
    expect((await proxy.ended).stderr).toContain(
      `intercepting api.example.com, *.example.org; agents must trust ${line.intercept_ca}`,
    )
  })

  it.each([
    [['--intercept', 'https://api.example.com'], '--intercept takes host names'],
    [['--upstream-ca', 'missing.pem'], 'cannot read the certificates'],
  ])('refuses %j before it starts, and leaves no store behind', async (flags, words) => {
    const ended = await place.ask(['proxy', '--simulated', '--port', '0', '--store', 'none', ...flags])
    expect([ended.code, ended.stderr.includes(words)]).toEqual([2, true])
    expect(readdirSync(place.directory)).not.toContain('none')
  })

  it('gives the same bytes for the same seed', async () => {
    const answers: string[] = []
    for (const store of ['one', 'two']) {
      const proxy = place.start(['proxy', '--simulated', '--seed', '7', '--port', '0', '--store', store])
      answers.push(await (await ask((await proxy.firstLine()).replace('listening ', ''))).text())
    }
    expect(answers[0]).toBe(answers[1])
  })

  it('says loudly that calls may pass unrecorded', async () => {
    const proxy = place.start(['proxy', '--simulated', '--port', '0', '--on-record-failure', 'pass'])
    await proxy.firstLine()
    proxy.child.kill('SIGTERM')
    expect((await proxy.ended).stderr).toContain('UNRECORDED')
  })

  it('leaves no key of the agent on disk', async () => {
    const proxy = place.start(['proxy', '--simulated', '--port', '0', '--store', 'ledger'])
    await (await ask((await proxy.firstLine()).replace('listening ', ''))).text()
    proxy.child.kill('SIGTERM')
    await proxy.ended
    const store = join(place.directory, 'ledger')
    const files = readdirSync(store, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name)).includes(agentKey), file.name).toBe(false)
  })
})
