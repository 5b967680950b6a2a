// One simulated client: the history it holds, what its next request will continue, and how it speaks to the server.

import type { Block, Message, ToolDefinition } from '../../../core/types.ts'
import { assistant, tools as scriptTools, text } from '../script.ts'
import type { Random } from './random.ts'
import { scatter } from './random.ts'
import type { Draft } from './truth.ts'
import type { World } from './world.ts'

export interface Style {
  /** Names the answer it continues and sends only what is new. */
  readonly declares: boolean
  /** `repeated`: the server counts tool calls from 0 in every answer. `rewritten`: a gateway gives them other names on the way back. */
  readonly ids: 'own' | 'repeated' | 'rewritten'
  /** Its newest message carries a reminder that later requests do not have. */
  readonly reminds: boolean
}

/** A place to go back to: an answer has been kept and nothing has been said after it. */
export interface Snapshot {
  readonly history: readonly Message[]
  readonly answered: number
  readonly draft: Draft
  readonly rewritable: boolean
}

export interface Client {
  readonly number: number
  readonly conversation: number
  readonly style: Style
  readonly system: string[]
  readonly tools: readonly ToolDefinition[]
  history: readonly Message[]
  /** The user's first words; null for sub-agents. */
  readonly opening: string | null
  /** Messages up to and with the last kept answer. */
  answered: number
  /** Of the next request. */
  draft: Draft
  /** The last kept answer can be recognised by itself: by its ids, or by a text nobody said twice. */
  rewritable: boolean
  /** Answer id that the next request may name. */
  answerId: string | null
  reminder: string | null
  past: Snapshot[]
  /** Sub-agents that have not come back. */
  waiting: number
  results: Message[]
  /** For whom it works. */
  readonly boss: { readonly client: Client; readonly toolId: string } | null
  closed: boolean
}

export const rootDraft: Draft = { relation: 'root', parents: [null], via: [null], side: null, edit: null }

const toolNames = ['bash', 'read_file', 'edit_file', 'task']
const commonAnswers = ['Done.', 'OK, next step.', 'Let me look at it.']
const commonResults = ['ok', '', 'exit 0', 'no such file']

export function makeTools(): ToolDefinition[] {
  return toolNames.map(name => ({ ...(scriptTools[0] as ToolDefinition), name, description: `The tool ${name}.` }))
}

export function openClient(world: World, fields: Partial<Client> & Pick<Client, 'system' | 'history'>): Client {
  const number = world.number()
  const [first] = fields.history[0]?.blocks ?? []
  return {
    number,
    opening: first?.kind === 'text' && fields.boss === undefined ? first.text : null,
    conversation: number,
    style: { declares: false, ids: 'own', reminds: false },
    tools: makeTools(),
    answered: 0,
    draft: rootDraft,
    rewritable: false,
    answerId: null,
    reminder: null,
    past: [],
    waiting: 0,
    results: [],
    boss: null,
    closed: false,
    ...fields,
  }
}

/** A text that no other place of any world has. */
export function say(world: World, what: string): string {
  const number = world.number()
  return `${what} number ${number} of ${world.options.name}, about ${scatter(number)}.`
}

/** As servers name them: never twice, and not in order. */
export function nameTool(world: World): string {
  return `tool_${scatter(world.number())}_${world.options.name}`
}

export interface AnswerWishes {
  readonly calls: number
  /** Said by other answers too. */
  readonly common?: boolean
  /** No text at all. */
  readonly silent?: boolean
}

export function makeAnswer(world: World, client: Client, random: Random, wishes: AnswerWishes): Block[] {
  const blocks: Block[] = []
  const number = world.number()
  if (random.chance(35))
    blocks.push({ kind: 'thinking', text: `Thinking ${number}, ${world.options.name}.`, signature: `sig-${number}` })
  const common = wishes.common === true && !client.style.reminds
  const spoken = common ? random.pick(commonAnswers) : say(world, 'Answer')
  if (wishes.silent !== true || wishes.calls === 0) blocks.push(text(`${spoken}${random.chance(30) ? '\n\n' : ''}`))
  for (let index = 0; index < wishes.calls; index += 1) {
    const id = client.style.ids === 'repeated' ? `call_${index}` : nameTool(world)
    const input = random.chance(30) ? { command: 'ls' } : { command: `run ${world.number()}`, path: world.options.name }
    blocks.push({ kind: 'tool-call', id, name: random.pick(toolNames), input, inputText: JSON.stringify(input) })
  }
  return blocks
}

export function makeResult(world: World, callId: string, random: Random, value?: string): Message {
  const content = value ?? (random.chance(30) ? random.pick(commonResults) : say(world, 'Output'))
  return { role: 'user', blocks: [{ kind: 'tool-result', callId, content: [text(content)], isError: random.chance(10) }] }
}

export function callIds(blocks: readonly Block[]): string[] {
  return blocks.flatMap(block => (block.kind === 'tool-call' ? [block.id] : []))
}

/** The request as it stands: a reminder goes behind the newest words. */
function readRequest(client: Client): readonly Message[] {
  const last = client.history.at(-1)
  if (client.reminder === null || last === undefined) return client.history
  return [...client.history.slice(0, -1), { ...last, blocks: [...last.blocks, text(client.reminder)] }]
}

export function sendRequest(world: World, client: Client, answer: readonly Block[] | null, complete = true): string {
  const declares = client.style.declares && client.answerId !== null && client.draft.relation === 'chain'
  const draft: Draft = declares
    ? { ...client.draft, relation: 'declared', parents: client.draft.parents.slice(0, 1) }
    : client.draft
  // Its first request may name an answer from before the record.
  const unknown = client.style.declares && draft.relation === 'root' && client.boss === null && client.number % 2 === 0
  if (unknown) world.count('continues what was never recorded')
  const rename = client.style.ids === 'rewritten' ? (id: string) => `gw_${scatter(hash(id))}` : null
  if (rename !== null && callIds(client.history.flatMap(message => message.blocks)).length > 0)
    world.count('ids rewritten by a gateway')
  if (client.style.ids === 'repeated') world.count('tool ids that repeat')
  if (client.reminder !== null) world.count('reminder in the newest message')
  const id = world.send({
    client: client.number,
    conversation: client.conversation,
    draft,
    system: client.system,
    tools: client.tools,
    maxTokens: 4000,
    extra: declares
      ? { previous_response_id: client.answerId }
      : unknown
        ? { previous_response_id: `msg_gone_${client.number}` }
        : {},
    messages: readRequest(client),
    skip: declares ? client.answered : 0,
    rename,
    idsRepeat: client.style.ids === 'repeated',
    answer,
    complete,
  })
  if (answer === null) world.count('failed call')
  else if (!complete) world.count('partial answer')
  return id
}

function hash(value: string): number {
  let sum = 0
  for (const letter of value) sum = (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0
  return sum
}

/** The client takes an answer into its history; `others` are calls whose answers look the same. */
export function keepAnswer(client: Client, id: string, answer: readonly Block[], others: readonly string[] = []): void {
  client.history = [...client.history, assistant(...answer)]
  const relation = client.reminder === null ? 'chain' : 'edit'
  client.draft = {
    relation,
    parents: [id, ...others],
    via: [null],
    side: null,
    edit: relation === 'edit' ? 'text-dropped' : null,
  }
  const spoken = answer.some(block => block.kind === 'text' && block.text.startsWith('Answer number'))
  client.rewritable = others.length === 0 && (spoken || (client.style.ids === 'own' && callIds(answer).length > 0))
  client.answered = client.history.length
  client.answerId = `msg_${id}`
  client.past.push({ history: client.history, answered: client.answered, draft: client.draft, rewritable: client.rewritable })
}

/** What the user or the tools say next. */
export function addItems(world: World, client: Client, messages: readonly Message[]): void {
  client.history = [...client.history, ...messages]
  client.reminder = client.style.reminds ? `<system-reminder>${say(world, 'Date')}</system-reminder>` : null
}
