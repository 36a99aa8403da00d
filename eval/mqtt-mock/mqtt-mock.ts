/**
 * The helper of every MQTT test: an in-memory broker on a free port of loopback, clients that connect to it, and a recording of all
 * that was published, which can be awaited, compared, saved and replayed. It knows nothing of Mendline, so that the maker of a device
 * can test firmware against it (docs/mqtt-mock.md). It is for tests: no limits, no TLS, nothing kept.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { Aedes } from 'aedes'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { createRecording, type RecordedMessage, type Recording, readRecording } from './recording.ts'

export interface MqttMockOptions {
  /** Who may log in; everybody without it. */
  readonly logins?: ReadonlyArray<{ readonly username: string; readonly password: string }>
  /** Stands before the PUBACK of a publish; a rejection closes the connection without PUBACK. */
  readonly onPublish?: (message: RecordedMessage) => Promise<void>
}

/** What is awaited: a topic or filter, and what the payload must hold. */
export interface Expectation {
  /** Topic, or a filter with `+` and `#`. */
  readonly topic: string
  /** A part of the JSON payload (fields may be more), or a test of it; anything without it. */
  readonly match?: unknown
  /** How long to wait, 2,000 ms without it; messages that came before count as well. */
  readonly withinMs?: number
}

export interface MqttMock {
  readonly url: string
  readonly port: number
  /** All that was published, in order of arrival. */
  readonly recording: Recording
  /** Connects a client of MQTT 3.1.1 that does not reconnect; closed with the mock. */
  connect(options?: IClientOptions): Promise<MqttClient>
  /** Publishes as the broker would: a command or a setting to a device. */
  publish(topic: string, payload: unknown, options?: { qos?: 0 | 1 | 2; retain?: boolean }): Promise<void>
  /** Waits for a message; the error of a miss lists what came instead. */
  expectMessage(expectation: Expectation): Promise<RecordedMessage>
  /** Passes when no such message came and none comes within the time. */
  expectNoMessage(expectation: Expectation): Promise<void>
  /** Publishes a saved recording in its order over one client at QoS 1 (or as recorded), each after the PUBACK of the one before. */
  replay(file: string, options?: { readonly url?: string; readonly login?: IClientOptions }): Promise<number>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const WITHIN_MS = 2_000

/** Starts a mock broker on a free port of 127.0.0.1. */
export async function startMqttMock({ logins, onPublish }: MqttMockOptions = {}): Promise<MqttMock> {
  const recording = createRecording()
  const aedes = new Aedes({
    authenticate: (_client, username, password, done) =>
      done(null, logins === undefined || logins.some((login) => login.username === username && login.password === password?.toString())),
    authorizePublish: (_client, packet, done) => {
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      const message: RecordedMessage = { at_ms: Date.now(), topic: packet.topic, qos: packet.qos, retain: packet.retain, payload }
      const accepted = onPublish?.(message) ?? Promise.resolve()
      accepted.then(
        () => {
          recording.add(message)
          done(null)
        },
        (error: unknown) => done(new Error(String(error))),
      )
    },
  })
  await aedes.listen()
  const server = createServer((socket) => void aedes.handle(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const url = `mqtt://127.0.0.1:${port}`
  const clients: MqttClient[] = []

  const connect = async (options: IClientOptions = {}, to = url): Promise<MqttClient> => {
    const client = await connectAsync(to, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5_000, ...options }, false)
    client.on('error', () => {})
    clients.push(client)
    return client
  }

  const stop = async (): Promise<void> => {
    for (const client of clients.splice(0)) await client.endAsync(true)
    server.close()
    if (!aedes.closed) await new Promise<void>((resolve) => aedes.close(resolve))
  }

  return {
    url,
    port,
    recording,
    connect: (options) => connect(options),
    publish: (topic, payload, { qos = 1, retain = false } = {}) =>
      new Promise((resolve, reject) => {
        const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(JSON.stringify(payload)), qos, retain, dup: false }
        aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
      }),
    expectMessage: (expectation) => expectMessage(recording, expectation),
    async expectNoMessage(expectation) {
      const message = await expectMessage(recording, expectation).catch(() => undefined)
      if (message !== undefined) throw new Error(`a message came that must not: ${describeMessage(message)}`)
    },
    async replay(file, { url: to = url, login = {} } = {}) {
      const messages = readRecording(file)
      const client = await connect(login, to)
      for (const { topic, payload, qos, retain } of messages) await client.publishAsync(topic, Buffer.from(payload), { qos, retain })
      await client.endAsync()
      return messages.length
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function expectMessage(recording: Recording, expectation: Expectation): Promise<RecordedMessage> {
  const fits = (message: RecordedMessage): boolean => topicFits(expectation.topic, message.topic) && payloadFits(expectation.match, message)
  const known = recording.messages.find(fits)
  if (known !== undefined) return Promise.resolve(known)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      leave()
      const came = recording.messages.slice(-10).map(describeMessage)
      const wanted = expectation.match === undefined ? '' : ` with ${JSON.stringify(expectation.match) ?? String(expectation.match)}`
      reject(new Error(`no message on ${expectation.topic}${wanted}; came: ${came.length === 0 ? 'nothing' : `\n  ${came.join('\n  ')}`}`))
    }, expectation.withinMs ?? WITHIN_MS)
    const leave = recording.listen((message) => {
      if (!fits(message)) return
      clearTimeout(timer)
      leave()
      resolve(message)
    })
  })
}

const describeMessage = ({ topic, payload }: RecordedMessage): string => `${topic} ${Buffer.from(payload).toString('utf8').slice(0, 200)}`

/** Tells whether a filter covers a topic. */
function topicFits(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (wanted.at(-1) === '#')
    return levels.length >= wanted.length - 1 && wanted.slice(0, -1).every((level, index) => level === '+' || level === levels[index])
  return wanted.length === levels.length && wanted.every((level, index) => level === '+' || level === levels[index])
}

function payloadFits(match: unknown, { payload }: RecordedMessage): boolean {
  if (match === undefined) return true
  const text = Buffer.from(payload).toString('utf8')
  let value: unknown = text
  try {
    value = JSON.parse(text)
  } catch {
    // Not JSON: the test sees the text.
  }
  return typeof match === 'function' ? Boolean(match(value)) : holds(value, match)
}

/** Tells whether `value` has all that `part` has; lists must be equal in length. */
function holds(value: unknown, part: unknown): boolean {
  if (Array.isArray(part)) return Array.isArray(value) && value.length === part.length && part.every((item, index) => holds(value[index], item))
  if (typeof part !== 'object' || part === null) return isDeepStrictEqual(value, part)
  if (typeof value !== 'object' || value === null) return false
  const fields = new Map(Object.entries(value))
  return Object.entries(part).every(([key, wanted]) => fields.has(key) && holds(fields.get(key), wanted))
}
