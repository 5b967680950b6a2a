import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { matchModel, parseRoutes, readRoutes } from '../../proxy/routes.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'

const caller = { protocol: 'openai-chat', anthropicClient: false, needKey: false }
const file = 'configs/models.yaml'
const shipped = parseRoutes(readFileSync(file, 'utf8'), file, { OPENAI_API_KEY: 'sk-openai-1', ANTHROPIC_API_KEY: 'sk-ant-1' })

describe('the shipped models file', () => {
  it.each([
    ['claude-opus-5', 'anthropic-messages', 'https://api.anthropic.com', '/v1/messages'],
    ['gpt-5.5', 'openai-chat', 'https://api.openai.com', '/v1/chat/completions'],
    ['deepseek-chat', 'openai-chat', 'https://api.deepseek.com', '/v1/chat/completions'],
    ['deepseek-chat', 'anthropic-messages', 'https://api.deepseek.com', '/anthropic/v1/messages'],
    ['glm-4.6', 'openai-chat', 'https://api.z.ai', '/api/paas/v4/chat/completions'],
    ['kimi-k2', 'anthropic-messages', 'https://api.moonshot.ai', '/anthropic/v1/messages'],
    ['meta-llama/llama-4', 'openai-chat', 'https://openrouter.ai', '/api/v1/chat/completions'],
  ])('sends %s over %s to %s%s', (model, protocol, origin, target) => {
    const route = shipped.choose({ ...caller, model, protocol })
    expect(route.origin.origin).toBe(origin)
    expect(route.targetOf(protocol === 'openai-chat' ? '/v1/chat/completions' : '/v1/messages')).toBe(target)
  })
  it.each([
    ['/v1beta/models/gemini-3-pro:generateContent', 'gemini-3-pro', 'gemini', 'gemini'],
    ['/v1/projects/p/locations/l/publishers/google/models/gemini-3-pro:generateContent', 'gemini-3-pro', 'gemini', 'vertex'],
    ['/model/us.anthropic.claude-x-v1%3A0/invoke', 'us.anthropic.claude-x-v1:0', 'bedrock-invoke', 'bedrock'],
    ['/model/amazon.nova-pro-v1:0/converse', 'amazon.nova-pro-v1:0', 'bedrock-converse', 'bedrock'],
    ['/model/x/converse', 'arn:aws:bedrock:us-east-1:1:inference-profile/a', 'bedrock-converse', 'bedrock'],
  ])('sends %s to its provider', (path, model, protocol, name) => {
    const route = shipped.choose({ ...caller, model, protocol, path })
    expect([route.name, route.targetOf(path)]).toEqual([name, path])
  })
  it('renames local models', () => {
    expect(shipped.choose({ ...caller, model: 'ollama/qwen3' }).upstreamModel).toBe('qwen3')
  })
  it('presents keys in the scheme of the endpoint and knows them as secrets', () => {
    expect(shipped.choose({ ...caller, model: 'gpt-5', needKey: true }).credential).toEqual([
      ['authorization', 'Bearer sk-openai-1'],
    ])
    expect(shipped.choose({ ...caller, model: 'claude-x', protocol: 'anthropic-messages', needKey: true }).credential).toEqual([
      ['x-api-key', 'sk-ant-1'],
    ])
    expect([...shipped.secrets].sort()).toEqual(['sk-ant-1', 'sk-openai-1'])
  })
  it('sends calls without a model to the first provider of the caller’s kind', () => {
    expect(shipped.choose({ ...caller, model: null, protocol: null, anthropicClient: true }).name).toBe('anthropic')
    expect(shipped.choose({ ...caller, model: null, protocol: null }).name).toBe('openai')
  })
})

describe('WebSockets', () => {
  it('are passed on by the endpoints that say so, and by a single upstream', () => {
    const wanted = { ...caller, protocol: 'openai-responses', websocket: true }
    expect(shipped.choose({ ...wanted, model: 'gpt-5.5' })).toMatchObject({ name: 'openai', websocket: true })
    expect(shipped.choose({ ...wanted, model: 'ollama/gpt-oss' }).websocket).toBe(false)
    expect(singleUpstream('http://h').choose({ ...wanted, model: null }).websocket).toBe(true)
  })

  it('go to a provider that speaks them where no model decides', () => {
    const text = `version: 1
providers:
  plain: { endpoints: { openai-responses: { base_url: http://plain } } }
  live: { endpoints: { openai-responses: { base_url: http://live, websocket: true } } }
routes: []
`
    const routes = parseRoutes(text, 'models.yaml', {})
    const wanted = { ...caller, protocol: 'openai-responses', model: null }
    expect(routes.choose(wanted).name).toBe('plain')
    expect(routes.choose({ ...wanted, websocket: true }).name).toBe('live')
  })
})

describe('what cannot be routed', () => {
  it('names the model that has no route', () => {
    expect(() => shipped.choose({ ...caller, model: 'mystery' })).toThrow(/E_MODEL_UNKNOWN|no route for the model "mystery"/)
  })
  it('names the protocols the provider does speak', () => {
    expect(() => shipped.choose({ ...caller, model: 'gpt-5', protocol: 'anthropic-messages' })).toThrow(
      /served by openai \(openai-chat, openai-responses\), not over anthropic-messages/,
    )
  })
  it('names the variable of a missing key', () => {
    expect(() => shipped.choose({ ...caller, model: 'deepseek-chat', needKey: true })).toThrow(/DEEPSEEK_API_KEY is not set/)
  })
})

describe('a broken models file', () => {
  const head = 'version: 1\nproviders:\n  local:\n    endpoints:\n      openai-chat: { base_url: "http://h" }\n'
  it.each([
    [`${head}routes:\n  - { modle: x, provider: local }\n`, /models:7:\d+: .*modle.*did you mean "model"/],
    [`${head}routes:\n  - { model: x, provider: locall }\n`, /models:7:\d+: there is no provider "locall".*did you mean "local"/],
    [head, /routes/],
    ['version: 1\n  bad', /models:\d+:\d+/],
  ])('is refused with file, line and key', (text, message) => {
    expect(() => parseRoutes(text, 'models', {})).toThrow(message)
  })
  it('is refused when it cannot be read', async () => {
    await expect(readRoutes('no/such/file.yaml', {})).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
  })
})

it.each([
  ['claude*', 'claude-3', '-3'],
  ['*/*', 'a/b', 'a'],
  ['a*c*', 'abcd', 'b'],
  ['exact', 'exact', ''],
  ['exact', 'other', null],
  ['a*b', 'ab', ''],
  ['aa*aa', 'aaa', null],
])('matches %s with %s', (pattern, model, star) => {
  expect(matchModel(pattern, model)).toBe(star)
})

describe('a single upstream', () => {
  it('takes everything, under its own path, with no key unless given one', () => {
    const routes = singleUpstream('http://h:1/base/')
    const route = routes.choose({ ...caller, model: null, needKey: true })
    expect([route.origin.host, route.targetOf('/v1/x'), route.credential]).toEqual(['h:1', '/base/v1/x', []])
    expect(routes.needModel).toBe(false)
  })
  it.each(['ftp://x', 'nonsense'])('refuses %s', url => {
    expect(() => singleUpstream(url)).toThrow(/--upstream must be/)
  })
})

describe('limits of providers', () => {
  const text = (limits: string) =>
    `version: 1\nproviders:\n  one:\n    limits: ${limits}\n    endpoints: { openai-chat: { base_url: http://x } }\nroutes: []\n`
  it('are read by the name of the route, and none is null', () => {
    const { limits } = parseRoutes(text('{ requests_per_minute: 5, concurrent: 2 }'), 'm.yaml', {})
    expect([...(limits ?? [])]).toEqual([['one', { requestsPerMinute: 5, tokensPerMinute: null, concurrent: 2 }]])
  })
  it.each(['{}', '{ concurrent: 0 }', '{ per_minute: 5 }'])('are refused when they are %s', limits => {
    expect(() => parseRoutes(text(limits), 'm.yaml', {})).toThrow(expect.objectContaining({ code: 'E_MODELS_INVALID' }))
  })
})
