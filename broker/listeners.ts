/**
 * TCP and TLS listeners. Each socket gets its place before anything else happens, so that a TLS handshake that never ends counts as a
 * half-open socket like every other; handshakes wait for their turn (`handshakes.ts`). With a client CA the name of a verified certificate
 * is handed on with the stream. A device that comes back resumes its session by ticket, which saves certificates and signatures.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { listenFailure } from '#kernel/listen-failure.ts'
import type { Admission, Ticket } from './admission.ts'
import { createHandshakes } from './handshakes.ts'
import { makePlain } from './plain-socket.ts'

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
  readonly clock: Clock
  readonly onArrival: (arrival: Arrival) => void
  /** Told before a socket is closed for breaking a rule. */
  readonly onRefused: (code: ErrorCode, reason: string, address: string) => void
}

/** What Node takes for the keys of tickets: name, signature and cipher, 16 bytes each. */
const TICKET_KEYS_BYTES = 48

/** A listener that accepts; `close` stops accepting and leaves open sockets alone. */
export interface Listener {
  readonly port: number
  close(): void
}

export const listenTcp = (settings: { host: string; port: number }, ports: ListenerPorts): Promise<Listener> =>
  listen({ ...settings, setting: 'mqtt.port', isPlain: true }, ports, (socket, address, ticket) =>
    ports.onArrival({ stream: socket, address, ticket }),
  )

export async function listenTls(settings: TlsSettings, ports: ListenerPorts): Promise<Listener> {
  const { clock, limits, onRefused } = ports
  const waiting = new Map<string, { readonly raw: Socket; readonly ticket: Ticket }>()
  const tls = createEngine(settings, limits)
  const handshakes = createHandshakes({ ...ports, begin: (socket) => void tls.emit('connection', socket) })
  tls.on('secureConnection', (socket) => {
    const own = waiting.get(keyOf(socket))
    if (own === undefined) {
      socket.destroy()
      return
    }
    handshakes.over(own.raw)
    ports.onArrival({ stream: socket, address: socket.remoteAddress ?? '', ticket: own.ticket, certificate: certificateOf(socket) })
  })
  tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') onRefused('MDL_BROKER_TOO_SLOW', 'TLS handshake not done in time', socket.remoteAddress ?? '')
    socket.destroy()
  })
  const stopRotation = rotateTicketKeys(tls, clock, limits.tlsTicketMs)
  const listener = await listen({ ...settings, setting: 'mqtts.port' }, ports, (raw, address, ticket) => {
    const key = keyOf(raw)
    waiting.set(key, { raw, ticket })
    raw.once('close', () => {
      waiting.delete(key)
      ticket.end()
    })
    handshakes.enter(raw, address)
  })
  const close = (): void => {
    listener.close()
    stopRotation()
    handshakes.stop()
  }
  return { port: listener.port, close }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`

/** Gives certificates and session tickets; it is handed sockets and does not listen itself. */
const createEngine = ({ key, cert, ca }: TlsSettings, limits: Limits): TlsServer =>
  createTlsServer({
    key,
    cert,
    ...(ca === undefined ? {} : { ca, requestCert: true }),
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.handshakeDeadlineMs,
    sessionTimeout: limits.tlsTicketMs / 1_000,
  })

/** A ticket made with earlier keys is worth nothing: whoever shows it does a whole handshake. */
function rotateTicketKeys(tls: TlsServer, clock: Clock, everyMs: number): () => void {
  let cancel = (): void => {}
  const rotate = (): void => {
    tls.setTicketKeys(randomBytes(TICKET_KEYS_BYTES))
    cancel = clock.after(everyMs, rotate)
  }
  rotate()
  return () => cancel()
}

function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined
  const { subject, serialNumber, valid_to } = socket.getPeerCertificate()
  const name = subject?.CN
  return typeof name === 'string' ? { name, serial: serialNumber, untilMs: Date.parse(valid_to) } : undefined
}

async function listen(
  { host, port, setting, isPlain = false }: { readonly host: string; readonly port: number; readonly setting: string; readonly isPlain?: boolean },
  { admission, limits, onRefused }: ListenerPorts,
  onSocket: (socket: Socket, address: string, ticket: Ticket) => void,
): Promise<Listener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, pauseOnConnect: isPlain }, (accepted) => {
    const socket = isPlain ? makePlain(accepted) : accepted
    const address = socket.remoteAddress ?? ''
    const ticket = admission.admit(address)
    if (ticket === undefined) {
      socket.destroy()
      onRefused('MDL_BROKER_TOO_MANY', 'connections', address)
      return
    }
    // Until the guard listens, an error of a socket that is just being reset must not end the process.
    socket.on('error', () => {})
    onSocket(socket, address, ticket)
  })
  server.maxConnections = limits.connections_MAX
  server.listen({ host, port, backlog: 4_096 })
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenFailure(cause, { setting, host, port })
  })
  return { port: portOf(server), close: () => server.close() }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
