/**
 * TCP and TLS listeners. Each socket gets its place before anything else happens, so that a TLS handshake that never ends counts as a
 * half-open socket like every other; with a client CA the name of a verified certificate is handed on with the stream.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Limits } from '#kernel/limits.ts'
import type { Admission, Ticket } from './admission.ts'

export interface TlsSettings {
  readonly host: string
  /** 0 = a free port. */
  readonly port: number
  readonly key: string | Buffer
  readonly cert: string | Buffer
  /** CA of client certificates; with it a certificate whose CN is the login name replaces the secret. */
  readonly ca?: string | Buffer | undefined
  /** File of the certificates of that CA that are revoked (PEM); read again when it changes. */
  readonly crlFile?: string | undefined
}

/** A client certificate that was verified against the CA. */
export interface ClientCertificate {
  /** CN: the login name. */
  readonly name: string
  /** Serial number, hex in upper case. */
  readonly serial: string
  /** End of its validity, epoch ms. */
  readonly untilMs: number
}

/** A stream that was admitted. */
export interface Arrival {
  readonly stream: Duplex
  readonly address: string
  readonly ticket: Ticket
  readonly certificate?: ClientCertificate | undefined
}

export interface ListenerPorts {
  readonly admission: Admission
  readonly limits: Limits
  readonly onArrival: (arrival: Arrival) => void
  readonly onTooMany: (address: string) => void
}

/** A listener that accepts; `close` stops accepting and leaves open sockets alone. */
export interface Listener {
  readonly port: number
  close(): void
}

export const listenTcp = (settings: { host: string; port: number }, ports: ListenerPorts): Promise<Listener> =>
  listen(settings, ports, (socket, address, ticket) => ports.onArrival({ stream: socket, address, ticket }))

export async function listenTls(settings: TlsSettings, ports: ListenerPorts): Promise<Listener> {
  const { key, cert, ca } = settings
  const tickets = new Map<string, Ticket>()
  const keyOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`
  const tls = createTlsServer({
    key,
    cert,
    ...(ca === undefined ? {} : { ca, requestCert: true }),
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: ports.limits.connectDeadlineMs,
  })
  tls.on('secureConnection', (socket) => {
    const ticket = tickets.get(keyOf(socket))
    if (ticket === undefined) socket.destroy()
    else ports.onArrival({ stream: socket, address: socket.remoteAddress ?? '', ticket, certificate: certificateOf(socket) })
  })
  tls.on('tlsClientError', (_error, socket) => socket.destroy())
  return listen(settings, ports, (socket, _address, ticket) => {
    const key = keyOf(socket)
    tickets.set(key, ticket)
    socket.once('close', () => {
      tickets.delete(key)
      ticket.end()
    })
    tls.emit('connection', socket)
  })
}

function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined
  const { subject, serialNumber, valid_to } = socket.getPeerCertificate()
  const name = subject?.CN
  return typeof name === 'string' ? { name, serial: serialNumber, untilMs: Date.parse(valid_to) } : undefined
}

async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  { admission, limits, onTooMany }: ListenerPorts,
  onSocket: (socket: Socket, address: string, ticket: Ticket) => void,
): Promise<Listener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
    const address = socket.remoteAddress ?? ''
    const ticket = admission.admit(address)
    if (ticket === undefined) {
      socket.destroy()
      onTooMany(address)
      return
    }
    // Until the guard listens, an error of a socket that is just being reset must not end the process.
    socket.on('error', () => {})
    onSocket(socket, address, ticket)
  })
  server.maxConnections = limits.connections_MAX
  server.listen({ host, port, backlog: 4_096 })
  await once(server, 'listening')
  return { port: portOf(server), close: () => server.close() }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
