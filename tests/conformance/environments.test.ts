// Every environment keeps the same promises: here `local`, in tests/real/environments.test.ts `docker`.
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { environments, findEnvironment } from '../../runner/environments/_all.ts'
import local from '../../runner/environments/local.ts'
import { keepPromises } from './_environments.ts'

it('lists every file of the folder under its own name', () => {
  const files = readdirSync('runner/environments').filter(name => !name.startsWith('_'))
  expect(environments.map(environment => `${environment.id}.ts`).sort()).toEqual(files.sort())
  expect(() => findEnvironment('dokcer')).toThrow(/unknown environment "dokcer"; known: .*local/)
})

describe('environment local', () => keepPromises(local))
