import assert from 'node:assert/strict'
import { test } from 'node:test'

// Loaded in each test: without the module every test fails, not the file.
const load = () => import('../slug.mjs')

test('a repeated text gets a number', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger()
  assert.deepEqual(
    ['News', 'News', 'news!', 'Other'].map(text => slug(text)),
    ['news', 'news-2', 'news-3', 'other'],
  )
})

test('a number that a text brought along is not given twice', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger()
  assert.deepEqual(
    ['a', 'a 2', 'a', 'a 2'].map(text => slug(text)),
    ['a', 'a-2', 'a-3', 'a-2-2'],
  )
})

test('the separator stands before the number', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger({ separator: '_' })
  assert.deepEqual(
    ['a b', 'a b'].map(text => slug(text)),
    ['a_b', 'a_b_2'],
  )
})

test('the number counts for maxLength', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger({ maxLength: 10 })
  assert.deepEqual(
    ['alpha beta', 'alpha beta', 'alpha beta'].map(text => slug(text)),
    ['alpha-beta', 'alpha-2', 'alpha-3'],
  )
})

test('a single long word makes room for the number', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger({ maxLength: 8 })
  assert.deepEqual(
    ['internationalisation', 'internationalisation'].map(text => slug(text)),
    ['internat', 'intern-2'],
  )
})

test('a text without a slug is untitled', async () => {
  const { createSlugger } = await load()
  const slug = createSlugger()
  assert.deepEqual(
    ['!', '?'].map(text => slug(text)),
    ['untitled', 'untitled-2'],
  )
})

test('sluggers are independent', async () => {
  const { createSlugger } = await load()
  assert.equal(createSlugger()('a'), 'a')
  assert.equal(createSlugger()('a'), 'a')
})
