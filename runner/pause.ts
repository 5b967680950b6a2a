// Waiting that ends early when everything is called off: between tries, between looks, between new beginnings. Never rejects; whoever
// waits looks at the signal itself. Waiting that nothing calls off stands with what needs it in processes.ts.

export function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
