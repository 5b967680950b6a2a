// What a client may do in one step of a script. Each leaves the client with something to send, or waiting for its sub-agents, or closed.

import type { Block, Message } from '../../../core/types.ts'
import { assistant, text, user } from '../script.ts'
import {
  addItems,
  type Client,
  callIds,
  keepAnswer,
  makeAnswer,
  makeResult,
  nameTool,
  openClient,
  rootDraft,
  say,
  sendRequest,
} from './client.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export type Act = (world: World, client: Client, random: Random, clients: Client[]) => void

const userWords = ['yes', 'continue', 'go on please']

function nextUser(world: World, random: Random): Message {
  return user(random.chance(25) ? random.pick(userWords) : say(world, 'Wish'))
}

/** Results of all its tool calls, or the user's next words; sometimes both, sometimes the environment's. */
function follow(world: World, client: Client, answer: readonly Block[], random: Random): void {
  const results = callIds(answer).map(id => makeResult(world, id, random))
  const items = results.length > 0 ? results : [nextUser(world, random)]
  if (random.chance(5)) {
    items.push({ role: 'user', blocks: [{ kind: 'image', mediaType: 'image/png', data: `iVBORw0KGgo${world.number()}A` }] })
    world.count('image')
  }
  if (results.length > 1) world.count('parallel tool calls')
  if (results.length > 0 && random.chance(15)) items.push(user(say(world, 'Nudge')))
  if (random.chance(8)) {
    items.push({ role: 'system', blocks: [text(say(world, 'Environment'))] })
    world.count('system message inside')
  }
  addItems(world, client, items)
}

const say_: Act = (world, client, random) => {
  const answer = makeAnswer(world, client, random, { calls: 0, common: random.chance(25) })
  const id = sendRequest(world, client, answer)
  if (random.chance(5)) world.logAgain(id)
  keepAnswer(client, id, answer)
  follow(world, client, answer, random)
}

const tool: Act = (world, client, random) => {
  const calls = random.chance(35) ? 2 + random.below(2) : 1
  const answer = makeAnswer(world, client, random, { calls, common: random.chance(25), silent: random.chance(25) })
  const id = sendRequest(world, client, answer)
  if (random.chance(5)) world.logAgain(id)
  keepAnswer(client, id, answer)
  follow(world, client, answer, random)
}

/** Several answers to one request; the first, a middle one or the last is kept. Some may have failed. */
const retry: Act = (world, client, random) => {
  const tries = 2 + random.below(2)
  const kept = random.below(tries)
  const identical = random.chance(20) && !client.style.reminds
  const shared = say(world, 'Answer')
  const sent: Array<{ id: string; answer: Block[] }> = []
  for (let index = 0; index < tries; index += 1) {
    if (index !== kept && random.chance(25)) {
      sendRequest(world, client, null)
      continue
    }
    const made = identical
      ? [text(shared)]
      : makeAnswer(world, client, random, { calls: random.below(3), common: false, silent: random.chance(20) })
    const complete = index === kept || random.chance(70)
    const id = sendRequest(world, client, made, complete)
    if (index === kept) sent.unshift({ id, answer: made })
    else sent.push({ id, answer: made })
  }
  const [best, ...others] = sent
  if (best === undefined) return
  if (others.length > 0)
    world.count(kept === 0 ? 'retry: first kept' : kept === tries - 1 ? 'retry: last kept' : 'retry: middle kept')
  if (identical && others.length > 0) world.count('identical answers')
  const alike = others.filter(other => seenOf(client, other.answer) === seenOf(client, best.answer))
  keepAnswer(
    client,
    best.id,
    best.answer,
    alike.map(other => other.id),
  )
  follow(world, client, best.answer, random)
}

/** What is left of an answer in a history: thoughts may be dropped, and ids say nothing where they repeat or a gateway changes them. */
function seenOf({ style }: Client, answer: readonly Block[]): string {
  const hidden = style.ids === 'own' ? [] : ['id']
  return JSON.stringify(
    answer.filter(block => block.kind !== 'thinking'),
    (key, value) => (hidden.includes(key) ? undefined : value),
  )
}

/** The same will be asked again, or with more words. */
const fail: Act = (world, client, random) => {
  sendRequest(world, client, null)
  if (random.chance(35)) {
    addItems(world, client, [user(say(world, 'Second thought'))])
    world.count('more words after a failure')
  }
}

/** An answer is cut: the client throws it away, keeps it, or says that its tools were aborted. */
const abort: Act = (world, client, random) => {
  const way = random.below(6)
  if (way === 5) {
    if (client.draft.relation !== 'chain' || client.style.declares || client.style.reminds) return
    // The client has nothing to keep of it; what it says next goes on from it all the same, or from the answer before.
    const id = sendRequest(world, client, [text('')])
    client.draft = { ...client.draft, parents: [id, ...client.draft.parents] }
    client.past = []
    client.rewritable = false
    addItems(world, client, [user(say(world, 'You said nothing'))])
    world.count('an empty answer')
    return
  }
  if (way === 4) {
    // Nothing but the beginning of a thought: no block of it is in anybody's history.
    sendRequest(world, client, [{ kind: 'thinking', text: say(world, 'Hm') }], false)
    world.count('cut: only a thought')
    return
  }
  const answer = makeAnswer(world, client, random, { calls: way === 1 ? 1 : random.below(2) })
  const id = sendRequest(world, client, answer, false)
  if (way === 0) world.count('cut: asked again')
  else if (way === 1) {
    keepAnswer(client, id, answer)
    addItems(world, client, [...callIds(answer).map(call => makeResult(world, call, random, 'aborted')), nextUser(world, random)])
    world.count('cut: kept, results aborted')
  } else if (way === 2) {
    addItems(world, client, [user(say(world, 'Second thought'))])
    world.count('cut: thrown away, more words')
  } else rewriteLastResult(world, client, id, answer, random)
}

/** As Codex does: the result before the cut answer reads "aborted" afterwards, and what had arrived of the answer stays. */
function rewriteLastResult(world: World, client: Client, id: string, answer: readonly Block[], random: Random): void {
  const at = client.history.findLastIndex(message => message.blocks.some(block => block.kind === 'tool-result'))
  if (at < client.answered || !canEdit(client)) return
  keepAnswer(client, id, answer)
  client.history = client.history.map((message, index) =>
    index === at ? rewriteResult(message, `aborted ${world.number()}`) : message,
  )
  client.draft = { ...client.draft, relation: 'edit', edit: 'result-changed' }
  client.past = []
  addItems(world, client, [...callIds(answer).map(call => makeResult(world, call, random, 'aborted')), nextUser(world, random)])
  world.count('cut: earlier result rewritten')
}

function rewriteResult(message: Message, value: string): Message {
  return {
    ...message,
    blocks: message.blocks.map(block =>
      block.kind === 'tool-result' ? { ...block, content: [text(value)], isError: false } : block,
    ),
  }
}

/** An edit needs an own history on the wire, and one change at a time is what the truth can name. */
function canEdit(client: Client): boolean {
  return !client.style.declares && !client.style.reminds && client.style.ids !== 'rewritten'
}

/** Back to an earlier answer, with other words. */
const rewind: Act = (world, client, random) => {
  if (client.past.length === 0) return
  const back = random.pick(client.past)
  client.past = client.past.slice(0, client.past.indexOf(back) + 1)
  restore(client, back)
  const asked = callIds(client.history.at(-1)?.blocks ?? [])
  addItems(world, client, [...asked.map(id => makeResult(world, id, random)), user(say(world, 'Instead'))])
  world.count('rewind')
}

function restore(client: Client, { history, answered, draft, rewritable }: Client['past'][number]): void {
  Object.assign(client, { history, answered, draft, rewritable, answerId: `msg_${draft.parents[0]}` })
}

/** A sub-agent in code mode, or a second window: it begins with a copy of what was said. */
const branch: Act = (world, client, random, clients) => {
  if (client.past.length === 0) return
  const back = random.pick(client.past.slice(-3))
  const copy = openClient(world, {
    system: [...client.system],
    history: [],
    conversation: client.conversation,
    style: client.style,
    tools: client.tools,
    past: [],
  })
  restore(copy, back)
  const asked = callIds(copy.history.at(-1)?.blocks ?? [])
  addItems(world, copy, [...asked.map(id => makeResult(world, id, random)), user(say(world, 'Task of a copy'))])
  clients.push(copy)
  world.count('branch with a copy')
}

/** The history is changed before the last answer, which stays and is known by its ids or words. */
const edit: Act = (world, client, random) => {
  if (!canEdit(client) || !client.rewritable || client.draft.relation !== 'chain' || client.draft.parents.length > 1) return
  const before = client.history.slice(0, client.answered - 1)
  const change = random.pick([clearResult, changeText, dropText, insertText, cutFront])(before, world, random)
  if (change === null) return
  const rest = client.history.slice(client.answered - 1)
  client.history = [...change.history, ...rest]
  client.answered = change.history.length + 1
  client.draft = { ...client.draft, relation: 'edit', edit: change.kind }
  // What lies before the change can be reached only by undoing it.
  client.past = []
  world.count(`edit: ${change.name}`)
}

interface Change {
  readonly history: readonly Message[]
  readonly kind: 'result-changed' | 'text-changed' | 'text-dropped' | 'inserted' | null
  readonly name: string
}
type MakeChange = (history: readonly Message[], world: World, random: Random) => Change | null

/** Positions of messages that are nothing but texts of the user, the opening one aside. */
function listTexts(history: readonly Message[]): number[] {
  return history.flatMap((message, index) =>
    index > 0 && message.role === 'user' && message.blocks.every(block => block.kind === 'text') ? [index] : [],
  )
}

const clearResult: MakeChange = (history, world, random) => {
  const found = history.flatMap((message, index) => (message.blocks.some(block => block.kind === 'tool-result') ? [index] : []))
  if (found.length === 0) return null
  const at = random.pick(found)
  const cleared = history.map((message, index) =>
    index === at ? rewriteResult(message, `[cleared ${world.number()}]`) : message,
  )
  return { history: cleared, kind: 'result-changed', name: 'result cleared' }
}

const changeText: MakeChange = (history, world, random) => {
  const found = listTexts(history)
  if (found.length === 0) return null
  const at = random.pick(found)
  const changed = history.map((message, index) => (index === at ? user(say(world, 'Other words')) : message))
  return { history: changed, kind: 'text-changed', name: 'text changed' }
}

const dropText: MakeChange = (history, _world, random) => {
  // A neighbour of its kind stays, so that no two answers touch.
  const found = listTexts(history).filter(
    index => history[index - 1]?.role !== 'assistant' || history[index + 1]?.role === 'user',
  )
  if (found.length === 0) return null
  const at = random.pick(found)
  return { history: history.filter((_, index) => index !== at), kind: 'text-dropped', name: 'text dropped' }
}

const insertText: MakeChange = (history, world, random) => {
  const found = history.flatMap((message, index) => (message.role === 'user' ? [index] : []))
  if (found.length === 0) return null
  const at = random.pick(found)
  const added = history.flatMap((message, index) => (index === at ? [message, user(say(world, 'Put in later'))] : [message]))
  return { history: added, kind: 'inserted', name: 'text inserted' }
}

const cutFront: MakeChange = (history, _world, random) => {
  const found = history.flatMap((message, index) => (index > 1 && message.role === 'assistant' ? [index] : []))
  if (found.length === 0) return null
  return { history: history.slice(random.pick(found)), kind: null, name: 'front cut' }
}

/** A summary is asked for, and the conversation begins anew with its lines. */
const compact: Act = (world, client, random) => {
  if (client.draft.relation === 'root' || client.draft.relation === 'subagent') return
  addItems(world, client, [user(say(world, 'Please write a summary, wish'))])
  const lines = [
    say(world, 'First the files were read, line'),
    say(world, 'Then a test was mended, line'),
    say(world, 'Open is, line'),
  ]
  const answer = [text(`${lines.join('\n')}\n`)]
  const id = sendRequest(world, client, answer)
  // A sub-agent's opening is its prompt, which would say again for whom it works.
  const opening =
    client.boss === null && random.chance(30) ? client.history.slice(0, 1).filter(message => message.role === 'user') : []
  if (opening.length > 0) world.count('compaction that keeps the opening')
  client.history = opening
  client.answered = 0
  client.answerId = null
  client.draft = { relation: 'compact', parents: [id], via: [null], side: null, edit: null }
  client.past = []
  addItems(world, client, [user(`This goes on from an earlier conversation:\n${lines.join('\n')}`), nextUser(world, random)])
  world.count('compaction')
}

/** Sub-agents with a prompt each; some get the same one. */
const spawn: Act = (world, client, random, clients) => {
  const count = 1 + random.below(3)
  const twins = count > 1 && random.chance(15)
  const shared = `${say(world, 'Look into this matter please')}\nReport in short.`
  const answer: Block[] = random.chance(60) ? [text(say(world, 'Answer'))] : []
  const prompts: string[] = []
  for (let index = 0; index < count; index += 1) {
    const prompt = twins ? shared : `${say(world, 'Look into this matter please')}\nReport in short.`
    const input = { description: 'a matter', prompt, subagent_type: 'general' }
    const id = client.style.ids === 'repeated' ? `call_${index}` : nameTool(world)
    prompts.push(prompt)
    answer.push({ kind: 'tool-call', id, name: 'task', input, inputText: JSON.stringify(input) })
  }
  const ids = callIds(answer)
  const call = sendRequest(world, client, answer)
  keepAnswer(client, call, answer)
  client.waiting = count
  client.results = []
  const system = [`${say(world, 'x-billing')}`, `You are a sub-agent of ${world.options.name}.`]
  for (const [index, toolId] of ids.entries())
    clients.push(
      openClient(world, {
        system: [...system],
        history: [user(`${random.chance(30) ? '<system-reminder>Be brief.</system-reminder>\n' : ''}${prompts[index]}`)],
        conversation: client.conversation,
        tools: client.tools.slice(0, 3),
        style: { ...client.style, reminds: false },
        draft: { relation: 'subagent', parents: [call], via: twins ? ids : [toolId], side: null, edit: null },
        boss: { client, toolId },
      }),
    )
  world.count(count > 1 ? 'sub-agents in parallel' : 'sub-agent')
  if (client.boss !== null) world.count('nested sub-agent')
  if (twins) world.count('sub-agents with the same prompt')
}

/** A sub-agent says its last word, which becomes the result of its boss's tool call. */
const finish: Act = (world, client, random) => {
  if (client.boss === null || client.waiting > 0) return
  const answer = makeAnswer(world, client, random, { calls: 0 })
  sendRequest(world, client, answer)
  client.closed = true
  const { client: boss, toolId } = client.boss
  const said = answer.map(block => (block.kind === 'text' ? block.text : '')).join('')
  boss.results.push(makeResult(world, toolId, random, said))
  boss.waiting -= 1
  if (boss.waiting > 0) return
  addItems(world, boss, boss.results)
  world.count('sub-agent answered')
}

/** Calls beside the lane: a title, a warm-up, a probe, something else without tools. */
const side: Act = (world, client, random) => {
  const kind = random.pick(['title', 'warmup', 'probe', 'unknown'] as const)
  // The words of a prompt or of a summary would link the title to whoever wrote them.
  const opening = client.opening ?? say(world, 'Other words of a task')
  const asked = { title: opening, warmup: 'Warmup', probe: 'quota', unknown: say(world, 'Is this a new topic? Words') }[kind]
  const system = {
    title: 'Write a title of at most five words for this conversation.',
    warmup: '',
    probe: '',
    unknown: 'Judge.',
  }[kind]
  world.send({
    client: client.number,
    conversation: client.conversation,
    draft: { relation: 'side', parents: ['*', null], via: [null], side: kind, edit: null },
    system: system === '' ? [] : [system],
    tools: [],
    maxTokens: kind === 'probe' ? 1 : 512,
    extra: kind === 'warmup' ? { generate: false } : {},
    messages: [user(asked)],
    skip: 0,
    rename: null,
    idsRepeat: false,
    answer: [text(kind === 'probe' ? '#' : say(world, 'Title'))],
    complete: true,
  })
  world.count(`side: ${kind}`)
}

/** The date, the git status: what stands before the conversation reads otherwise from now on. */
const preamble: Act = (world, client) => {
  client.system[client.system.length - 1] = `You are an agent. ${say(world, 'Git status')}`
  world.count('preamble changed')
}

/** A second client says the very same first words. */
const twin: Act = (world, client, _random, clients) => {
  const first = world.sent.find(call => call.client === client.number && call.draft.relation === 'root')
  if (first !== undefined || client.draft.relation !== 'root') return
  clients.push(
    openClient(world, {
      system: [...client.system],
      history: client.history,
      conversation: client.conversation,
      tools: client.tools,
    }),
  )
  world.count('two clients with the same first words')
}

/** A client that goes on with what was said while nobody recorded. */
const resume: Act = (world, _client, random, clients) => {
  const id = `old_${nameTool(world)}`
  const input = { command: 'ls' }
  const history: Message[] = [
    user(say(world, 'Long ago')),
    assistant(text(say(world, 'Unrecorded')), { kind: 'tool-call', id, name: 'bash', input, inputText: JSON.stringify(input) }),
    makeResult(world, id, random),
    assistant(text(say(world, 'Unrecorded'))),
    user(say(world, 'And now')),
  ]
  clients.push(openClient(world, { system: [`Agent ${world.options.name}.`], history, draft: rootDraft }))
  world.count('resumed from before the record')
}

/** A client that names answers sends its whole history for once. */
const reconnect: Act = (world, client) => {
  if (!client.style.declares || client.answerId === null) return
  client.answerId = null
  world.count('whole history after deltas')
}

export const acts = {
  say: say_,
  tool,
  retry,
  fail,
  abort,
  rewind,
  branch,
  edit,
  compact,
  spawn,
  finish,
  side,
  preamble,
  twin,
  resume,
  reconnect,
}
export type ActName = keyof typeof acts
