// A program of our own in a layer: everything it imports is carried, it starts elsewhere, and its name covers its content.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import mini from '../../runner/agents/mini.ts'
import { copyProgram, findOwnNode, listProgram } from '../../runner/own-programs.ts'
import { makeDirectory } from './_sandbox.ts'

let root: string
const write = (files: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
const entry = () => ({ program: 'made', file: join(root, 'dist/deep/main.js') })
const digest = (): string => listProgram(entry()).digest
const manifest = (name: string, version: string, dependencies = {}): string =>
  JSON.stringify({ name, version, type: 'module', exports: './index.js', dependencies })

beforeEach(() => {
  root = makeDirectory()
  write({
    'package.json': '{"type":"module"}',
    'dist/deep/main.js':
      "import { readFileSync } from 'node:fs';\nimport { one,\n  two, } from '../shared.js';\nimport './effect.js';\n" +
      "const late = await import('./late.js');\nconsole.log(one, two, late.say(), typeof readFileSync);\n",
    'dist/shared.js': "export { one } from './one.js';\nexport const two = 'from \"./nowhere.js\"';\n",
    'dist/one.js': 'export const one = 1;\n',
    'dist/deep/effect.js': 'globalThis.effect = 3;\n',
    'dist/deep/late.js': "import outer from '@makers/outer/part';\nexport const say = () => outer + globalThis.effect;\n",
    'dist/unused.js': 'throw new Error()\n',
    'node_modules/@makers/outer/package.json': JSON.stringify({
      ...{ name: '@makers/outer', version: '1.0.0', type: 'module', dependencies: { inner: '1' } },
      exports: { './part': './part.js' },
    }),
    'node_modules/@makers/outer/part.js': "import inner from 'inner'\nexport default `outer and ` + inner + ` `\n",
    'node_modules/@makers/outer/part.js.map': '{}',
    'node_modules/inner/package.json': manifest('inner', '1.0.0'),
    'node_modules/inner/index.js': "export default 'inner'\n",
    'node_modules/other/package.json': manifest('other', '1.0.0'),
  })
})

it('carries what is imported and nothing else, and starts without the rest', async () => {
  const layer = makeDirectory()
  const file = await copyProgram(entry(), layer)
  renameSync(root, `${root}-gone`)
  expect(execFileSync(process.execPath, [join(layer, file)], { encoding: 'utf8' })).toBe(
    '1 from "./nowhere.js" outer and inner 3 function\n',
  )
  for (const absent of ['program/unused.js', 'node_modules/other', 'node_modules/@makers/outer/part.js.map'])
    expect(existsSync(join(layer, absent)), absent).toBe(false)
  rmSync(`${root}-gone`, { recursive: true })
})

it('has another name when any of it changes, and only then', () => {
  const before = digest()
  write({ 'dist/unused.js': 'other', 'node_modules/other/package.json': manifest('other', '2.0.0') })
  expect(digest()).toBe(before)
  write({ 'dist/one.js': 'export const one = 2;\n' })
  const changed = digest()
  write({ 'node_modules/inner/package.json': manifest('inner', '1.0.1') })
  expect(new Set([before, changed, digest()]).size).toBe(3)
})

it('keeps two versions of a package apart', async () => {
  write({
    'dist/deep/late.js':
      "import outer from '@makers/outer/part';\nimport inner from 'inner';\nexport const say = () => outer + inner;\n",
    'dist/node_modules/inner/package.json': manifest('inner', '2.0.0'),
    'dist/node_modules/inner/index.js': "export default 'the newer'\n",
  })
  const layer = makeDirectory()
  const file = await copyProgram(entry(), layer)
  expect(execFileSync(process.execPath, [join(layer, file)], { encoding: 'utf8' })).toContain(
    'outer and inner the newer function',
  )
})

it('is a bug where an import leads nowhere, and says what to do where nothing was compiled', () => {
  write({ 'dist/one.js': "import './absent.js';\n" })
  expect(digest).toThrow(/one\.js imports \.\/absent\.js, which is not there/)
  write({ 'dist/one.js': "import absent from 'absent-package';\n" })
  expect(digest).toThrow(expect.objectContaining({ code: 'E_BUG', message: expect.stringContaining('absent-package') }))
  rmSync(join(root, 'dist/deep/main.js'))
  expect(digest).toThrow(expect.objectContaining({ code: 'E_AGENT_INSTALL', hint: 'npm run build' }))
})

it('finds all of mini, which starts from where it was carried to', { timeout: 120_000 }, async () => {
  const layer = makeDirectory()
  const file = await copyProgram(mini.layer.entry, layer)
  const run = (): string => execFileSync(process.execPath, [join(layer, file)], { env: {}, encoding: 'utf8', stdio: 'pipe' })
  expect(run).toThrow(/mini: the variable TURNPIKE_\w+ is not set/)
  const clients = `const names = ['anthropic', 'openai'].map(name => import(${JSON.stringify(join(layer, dirname(file)))} + '/' + name + '.js'))\nconsole.log((await Promise.all(names)).flatMap(Object.keys).join())`
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', clients], { encoding: 'utf8' })).toBe(
    'openAnthropicModel,openOpenaiModel\n',
  )
})

it('knows whether the Node that runs here would run elsewhere', () => {
  const shared = Object.entries(process.config.variables).some(([name, on]) => name === 'node_shared' && on === true)
  if (process.platform === 'linux' && !shared) expect(findOwnNode()?.file).toBe(process.execPath)
  else expect(findOwnNode()).toBeNull()
})
