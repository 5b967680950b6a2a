import assert from 'node:assert/strict'
import { test } from 'node:test'

// Loaded in each test: without the module every test fails, not the file.
const load = () => import('../slug.mjs')

test('words are joined by single hyphens', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Hello World'), 'hello-world')
  assert.equal(slugify('one   two\tthree\nfour'), 'one-two-three-four')
})

test('punctuation is a border, not a letter', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Rock & Roll: the story'), 'rock-roll-the-story')
  assert.equal(slugify('a_b.c/d'), 'a-b-c-d')
})

test('no hyphen at the ends', async () => {
  const { slugify } = await load()
  assert.equal(slugify('  --Hello!--  '), 'hello')
})

test('digits are kept', async () => {
  const { slugify } = await load()
  assert.equal(slugify('Version 2.0 of 2026'), 'version-2-0-of-2026')
})

test('nothing to keep gives the empty string', async () => {
  const { slugify } = await load()
  assert.equal(slugify(''), '')
  assert.equal(slugify('?!…'), '')
})

test('what is not a string is refused', async () => {
  const { slugify } = await load()
  assert.throws(() => slugify(42), TypeError)
  assert.throws(() => slugify(undefined), TypeError)
})
