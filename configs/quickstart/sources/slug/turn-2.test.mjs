import assert from 'node:assert/strict'
import { test } from 'node:test'

// Loaded in each test: without the module every test fails, not the file.
const load = () => import('../slug.mjs')

test('accents are taken off', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Crème Brûlée'), 'creme-brulee')
  assert.equal(slugify('ÀÉÎÕÜ ñ ç'), 'aeiou-n-c')
})

test('letters that no accent explains are spelled out', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Straße'), 'strasse')
  assert.equal(slugify('Ærø Œuvre'), 'aero-oeuvre')
})

test('another separator', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Hello big World', { separator: '_' }), 'hello_big_world')
  assert.equal(slugify('  --a-- ', { separator: '.' }), 'a')
})

test('maxLength cuts between words', async () => {
  const { slugify } = await load()
  assert.equal(slugify('alpha beta gamma', { maxLength: 10 }), 'alpha-beta')
  assert.equal(slugify('alpha beta gamma', { maxLength: 12 }), 'alpha-beta')
  assert.equal(slugify('alpha beta gamma', { maxLength: 16 }), 'alpha-beta-gamma')
})

test('maxLength cuts a first word that is too long', async () => {
  const { slugify } = await load()
  assert.equal(slugify('internationalisation of text', { maxLength: 8 }), 'internat')
})

test('a cut slug does not end with the separator', async () => {
  const { slugify } = await load()
  assert.equal(slugify('alpha beta', { maxLength: 6 }), 'alpha')
  assert.equal(slugify('alpha beta', { separator: '_', maxLength: 6 }), 'alpha')
})
