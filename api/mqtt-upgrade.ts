/** MQTT over WebSocket on the API's port: path /mqtt, subprotocol `mqtt`. The byte stream goes to the broker, which guards it. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Limits } from '#kernel/limits.ts'
import { isFromThisMachine } from './loopback-only.ts'
import type { MqttPort } from './ports.ts'

/** Answers upgrades on `server`; `close` ends the open connections. */
export function attachMqtt(
  server: Server,
  mqtt: MqttPort | undefined,
  options: { readonly limits: Limits; readonly isLoopbackOnly: boolean },
): { close(): void } {
  const { limits, isLoopbackOnly } = options
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.packetBytes_MAX,
    perMessageDeflate: false,
    handleProtocols: () => 'mqtt',
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const path = (request.url ?? '').split('?')[0]
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    if (path !== '/mqtt' || mqtt === undefined) return refuse(socket, '404 Not Found')
    if (isLoopbackOnly && !isFromThisMachine(request.headers)) return refuse(socket, '403 Forbidden')
    if (!protocols.includes('mqtt')) return refuse(socket, '400 Bad Request')
    if (sockets.clients.size >= limits.webSockets_MAX) return refuse(socket, '503 Service Unavailable')
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket)
      // A socket that breaks is the end of the stream, which the broker sees as such.
      stream.on('error', () => stream.destroy())
      mqtt.handleWebSocket(stream, request.socket.remoteAddress ?? '')
    })
  })
  return {
    close() {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    },
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
