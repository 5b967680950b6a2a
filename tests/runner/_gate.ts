// A gate that agents stand at until a test opens it. Reached over loopback, because a sandbox lets no file of ours through.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atEnd, waitFor } from './_sandbox.ts'

export interface Gate {
  readonly url: string
  /** A shell command that ends once the gate is open. */
  readonly pass: string
  /** Resolves when somebody stands at it, or has stood at it since it was closed. */
  readonly reached: () => Promise<void>
  readonly open: () => void
  readonly close: () => void
}

export async function makeGate(): Promise<Gate> {
  let isOpen = false
  let arrived = 0
  const waiting = new Set<ServerResponse>()
  const server = createServer((_, response) => {
    arrived++
    if (isOpen) return void response.end()
    waiting.add(response)
    response.on('close', () => waiting.delete(response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    pass: `${process.execPath} -e 'require("http").get("${url}",r=>r.resume()).on("error",()=>process.exit(1))'`,
    reached: () => waitFor(() => arrived > 0, 60_000),
    open: () => {
      isOpen = true
      for (const response of waiting) response.end()
    },
    close: () => {
      isOpen = false
      arrived = 0
    },
  }
}
