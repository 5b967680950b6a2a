// The models that recordings name: one per protocol, all answered by the simulated provider.

export const chat = { protocol: 'openai-chat', model: 'simulated-1' } as const
export const anthropic = { protocol: 'anthropic-messages', model: 'claude-sonnet-4-5' } as const
export const responses = { protocol: 'openai-responses', model: 'gpt-5.2' } as const
export const gemini = { protocol: 'gemini', model: 'gemini-2.5-pro' } as const
