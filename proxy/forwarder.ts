// The forwarder behind all layers: chooses the version of HTTP that an upstream is spoken to with, over one set of connections.

import { type Forwarder, forwardHttp1 } from './forward.ts'
import { type Connections, createConnections, type UpstreamAccess } from './forward-connections.ts'
import { createHttp2Forwarder } from './forward-http2.ts'

export function createForwarder(access: UpstreamAccess = {}, connections: Connections = createConnections(access)): Forwarder {
  const http2 = createHttp2Forwarder(connections)
  return {
    forward: (request, events) =>
      request.http === 2 ? http2.forward(request, events) : forwardHttp1(connections, request, events),
    close: () => {
      http2.close()
      connections.close()
    },
  }
}
