// The cases of the proxy benchmark: what is sent, what comes back, over how many connections.

export interface Case {
  readonly id: string
  readonly title: string
  /** `new`: every request all new; `growing`: conversations that grow by about 2 KB a call up to `requestBytes`. */
  readonly content: 'new' | 'growing'
  readonly requestBytes: number
  readonly connections: number
  readonly answer: Answer
}

/** JSON with its length, server-sent events, or messages of the AWS event stream. */
export type Answer = 'json' | 'stream' | 'aws'

const kib = 1024

export const cases: readonly Case[] = [
  { id: 'json-1k-c1', title: '1 KB, 1 connection', content: 'new', requestBytes: kib, connections: 1, answer: 'json' },
  { id: 'json-1k-c32', title: '1 KB, 32 connections', content: 'new', requestBytes: kib, connections: 32, answer: 'json' },
  ...sizes('200k', '200 KB', 200 * kib, 1),
  ...sizes('200k', '200 KB', 200 * kib, 32),
  ...sizes('2m', '2 MB', 2048 * kib, 8),
  { id: 'sse-200-c1', title: '200 events, 1 connection', content: 'new', requestBytes: kib, connections: 1, answer: 'stream' },
  {
    id: 'sse-200-c32',
    title: '200 events, 32 connections',
    content: 'new',
    requestBytes: kib,
    connections: 32,
    answer: 'stream',
  },
  { id: 'aws-200-c1', title: '200 AWS messages, 1 connection', content: 'new', requestBytes: kib, connections: 1, answer: 'aws' },
  {
    id: 'aws-200-c32',
    title: '200 AWS messages, 32 connections',
    content: 'new',
    requestBytes: kib,
    connections: 32,
    answer: 'aws',
  },
]

/** What is asked for: the path decides which protocol decodes the call. */
export const paths: Readonly<Record<Answer, string>> = {
  json: '/v1/chat/completions',
  stream: '/v1/chat/completions',
  aws: '/model/bench-model/converse-stream',
}

function sizes(id: string, title: string, requestBytes: number, connections: number): Case[] {
  const over = `${connections} connection${connections === 1 ? '' : 's'}`
  return [
    {
      id: `grow-${id}-c${connections}`,
      title: `growing to ${title}, ${over}`,
      content: 'growing',
      requestBytes,
      connections,
      answer: 'json',
    },
    {
      id: `new-${id}-c${connections}`,
      title: `${title} all new, ${over}`,
      content: 'new',
      requestBytes,
      connections,
      answer: 'json',
    },
  ]
}

export const streamEvents = 200
