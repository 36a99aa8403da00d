/** The hostile list: each case attacks a running broker as one bad client (or many) would, and says what the broker made of it. */
import { connect, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { createRandom } from '../../kernel/random.ts'

export interface HostileLogin {
  /** `{tenant}:{device}`. */
  readonly username: string
  readonly clientId: string
  readonly password: string
}

export interface HostileTarget {
  readonly port: number
  /** Credentials that are valid, and misused. */
  readonly attacker: HostileLogin
  /** Name of the healthy device, to attack it. */
  readonly victim: string
  /** How long the broker waits for a CONNECT. */
  readonly connectDeadlineMs: number
}

export interface HostileCase {
  readonly name: string
  /** What a sound broker makes of it. */
  readonly expected: 'closed' | 'acknowledged' | 'refused' | 'survived'
  readonly run: (target: HostileTarget) => Promise<string>
}

interface Raw {
  readonly socket: Socket
  readonly packets: Packet[]
  readonly closed: Promise<'closed'>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const within = <T>(promise: Promise<T>, ms: number, otherwise: string): Promise<T | string> =>
  Promise.race([promise, pause(ms).then(() => otherwise)])
const WAIT_MS = 5_000
/** Publishes of one backlog; below the burst that a device may send. */
const BACKLOG = 1_900

function open({ port }: HostileTarget): Raw {
  const socket = connect(port, '127.0.0.1')
  const packets: Packet[] = []
  const reader = parser()
  reader.on('packet', (packet) => packets.push(packet))
  reader.on('error', () => {})
  socket.on('data', (bytes) => reader.parse(bytes))
  socket.on('error', () => {})
  return { socket, packets, closed: new Promise((resolve) => socket.on('close', () => resolve('closed'))) }
}

const connectPacket = ({ username, clientId, password }: HostileLogin, more: object = {}): Buffer =>
  generate({
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
    ...{ username, clientId, password: Buffer.from(password) },
    ...more,
  } as Packet)

const publishPacket = (topic: string, payload: string | Buffer, qos: 0 | 1 | 2 = 1, messageId = 1): Buffer =>
  generate({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false })

/** Waits for a packet of a kind, or the end of the connection. */
async function answer(raw: Raw, cmd: string): Promise<string> {
  const untilMs = performance.now() + WAIT_MS
  while (performance.now() < untilMs) {
    const packet = raw.packets.find((each) => each.cmd === cmd)
    if (packet?.cmd === 'connack') return packet.returnCode === 0 ? 'connected' : 'refused'
    if (packet?.cmd === 'suback') return packet.granted.every((code) => code === 128) ? 'refused' : `granted ${packet.granted.join()}`
    if (packet !== undefined) return 'acknowledged'
    if (raw.socket.destroyed) return 'closed'
    await pause(2)
  }
  return 'no answer'
}

/** Logs in as the attacker, sends bytes, and says what came of it. */
async function loggedIn(target: HostileTarget, bytes: Buffer, expectedAnswer?: string): Promise<string> {
  const raw = open(target)
  raw.socket.write(connectPacket(target.attacker))
  const login = await answer(raw, 'connack')
  if (login !== 'connected') return `login ${login}`
  raw.socket.write(bytes)
  const outcome = expectedAnswer === undefined ? await within(raw.closed, WAIT_MS, 'left open') : await answer(raw, expectedAnswer)
  raw.socket.destroy()
  await raw.closed
  return outcome
}

const ownTopic = ({ attacker }: HostileTarget): string => `mend/v1/${attacker.username.replace(':', '/')}/tele`
const tele = (payload: (target: HostileTarget) => string | Buffer) => (target: HostileTarget) =>
  loggedIn(target, publishPacket(ownTopic(target), payload(target)), 'puback')
const victimTopic = ({ victim }: HostileTarget, last: string): string => `mend/v1/${victim.replace(':', '/')}/${last}`

/** Sends as much of `total` bytes as the broker takes. */
async function pour(raw: Raw, total: number): Promise<string> {
  const chunk = Buffer.alloc(64 * 1024)
  for (let sent = 0; sent < total && !raw.socket.destroyed; sent += chunk.length) {
    if (!raw.socket.write(chunk)) await Promise.race([new Promise((resolve) => raw.socket.once('drain', resolve)), raw.closed])
  }
  return within(raw.closed, WAIT_MS, 'left open')
}

async function hugeConnect(target: HostileTarget): Promise<string> {
  const raw = open(target)
  raw.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]))
  return pour(raw, 256 * 1024 * 1024)
}

async function hugePublish(target: HostileTarget): Promise<string> {
  const raw = open(target)
  raw.socket.write(connectPacket(target.attacker))
  await answer(raw, 'connack')
  raw.socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]))
  return pour(raw, 256 * 1024 * 1024)
}

/** Fifty sockets that send CONNECT a byte at a time, too slowly to be whole in time. */
async function slowBytes(target: HostileTarget): Promise<string> {
  const bytes = connectPacket(target.attacker)
  const everyMs = (target.connectDeadlineMs * 1.5) / bytes.length
  const many = Array.from({ length: 50 }, () => open(target))
  const writing = many.map(async ({ socket }) => {
    for (const byte of bytes) {
      if (socket.destroyed) return
      socket.write(Buffer.from([byte]))
      await pause(everyMs)
    }
  })
  const outcome = await within(
    Promise.all(many.map(({ closed }) => closed)).then(() => 'closed'),
    target.connectDeadlineMs + WAIT_MS,
    'left open',
  )
  for (const { socket } of many) socket.destroy()
  await Promise.all(writing)
  return outcome
}

async function silentSockets(target: HostileTarget): Promise<string> {
  const many = Array.from({ length: 1_000 }, () => open(target))
  const outcome = await within(
    Promise.all(many.map(({ closed }) => closed)).then(() => 'closed'),
    target.connectDeadlineMs + WAIT_MS,
    'left open',
  )
  for (const { socket } of many) socket.destroy()
  return outcome
}

/** Random bytes, some behind a plausible first byte. */
async function garbage(target: HostileTarget): Promise<string> {
  const random = createRandom('hostile/garbage')
  const many = Array.from({ length: 200 }, () => {
    const raw = open(target)
    const bytes = Buffer.from(Array.from({ length: random.integer(2, 2_000) }, () => random.integer(0, 255)))
    if (random.chance(0.5)) bytes[0] = random.pick([0x10, 0x30, 0x82, 0xe0])
    raw.socket.write(bytes)
    return raw
  })
  return within(
    Promise.all(many.map(({ closed }) => closed)).then(() => 'closed'),
    target.connectDeadlineMs + WAIT_MS,
    'left open',
  )
}

/** A valid device that sends as fast as it can and never reads an answer. */
async function flood(target: HostileTarget, qos: 0 | 1): Promise<string> {
  const raw = open(target)
  raw.socket.write(connectPacket(target.attacker))
  if ((await answer(raw, 'connack')) !== 'connected') return 'login failed'
  raw.socket.pause()
  const batch = Buffer.concat(Array.from({ length: 500 }, (_, id) => publishPacket(ownTopic(target), '{"ts":1,"v":{}}', qos, id + 1)))
  const untilMs = performance.now() + 2_000
  while (performance.now() < untilMs && !raw.socket.destroyed) {
    if (!raw.socket.write(batch)) await within(new Promise((resolve) => raw.socket.once('drain', resolve)), untilMs - performance.now(), '')
  }
  raw.socket.destroy()
  return 'survived'
}

/** Lets a device send a backlog as devices do, so that memory is compared with a process that has worked and not with a fresh one. */
export async function sendBacklog(target: HostileTarget): Promise<void> {
  const raw = open(target)
  raw.socket.write(connectPacket(target.attacker))
  await answer(raw, 'connack')
  for (let id = 1; id <= BACKLOG; id++) raw.socket.write(publishPacket(ownTopic(target), '{"ts":1,"v":{}}', 1, id))
  const untilMs = performance.now() + 2 * WAIT_MS
  while (raw.packets.length <= BACKLOG && performance.now() < untilMs) await pause(10)
  raw.socket.destroy()
}

async function churn(target: HostileTarget): Promise<string> {
  for (let round = 0; round < 50; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const raw = open(target)
        raw.socket.write(connectPacket(target.attacker))
        raw.socket.resetAndDestroy()
        await raw.closed
      }),
    )
  }
  return 'survived'
}

async function firstPacket(target: HostileTarget, bytes: Buffer): Promise<string> {
  const raw = open(target)
  raw.socket.write(bytes)
  const outcome = await answer(raw, 'connack')
  raw.socket.destroy()
  return outcome
}

const subscribe = (filters: readonly string[]): Buffer =>
  generate({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 1 as const })) })

const channels = (): string =>
  JSON.stringify({ ts: Date.now(), v: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`c${index}`, index])) })
const badTopic = Buffer.from('3005000261ff00', 'hex')

export const hostileCases: readonly HostileCase[] = [
  { name: 'CONNECT of 256 MB', expected: 'closed', run: hugeConnect },
  { name: 'PUBLISH of 256 MB', expected: 'closed', run: hugePublish },
  { name: 'slow bytes on 50 sockets', expected: 'closed', run: slowBytes },
  { name: '1,000 silent sockets', expected: 'closed', run: silentSockets },
  { name: 'random bytes on 200 sockets', expected: 'closed', run: garbage },
  { name: 'invalid UTF-8 in a topic', expected: 'closed', run: (target) => loggedIn(target, badTopic) },
  { name: 'deep JSON', expected: 'acknowledged', run: tele(() => `${'['.repeat(50_000)}${']'.repeat(50_000)}`) },
  { name: 'deep JSON objects', expected: 'acknowledged', run: tele(() => `${'{"v":'.repeat(20_000)}1${'}'.repeat(20_000)}`) },
  {
    name: '__proto__',
    expected: 'acknowledged',
    run: tele(() => `{"ts":${Date.now()},"__proto__":{"polluted":1},"v":{"__proto__":{"polluted":1}}}`),
  },
  { name: 'NaN', expected: 'acknowledged', run: tele(() => `{"ts":${Date.now()},"v":{"discharge_temperature_c":NaN}}`) },
  { name: '1e999', expected: 'acknowledged', run: tele(() => `{"ts":${Date.now()},"seq":1e999,"v":{"discharge_temperature_c":1e999}}`) },
  { name: '5,000 channels', expected: 'acknowledged', run: tele(channels) },
  { name: 'invalid UTF-8 in a payload', expected: 'acknowledged', run: tele(() => Buffer.from([0x7b, 0xff, 0xfe, 0x7d])) },
  { name: 'empty payload', expected: 'acknowledged', run: tele(() => '') },
  { name: 'foreign topic', expected: 'closed', run: (target) => loggedIn(target, publishPacket(victimTopic(target, 'tele'), '{}')) },
  { name: 'own settings', expected: 'closed', run: (target) => loggedIn(target, publishPacket(ownTopic(target).replace('tele', 'desired'), '{}')) },
  { name: 'QoS 2', expected: 'closed', run: (target) => loggedIn(target, publishPacket(ownTopic(target), '{}', 2)) },
  {
    name: 'subscriptions to #, $share and foreign commands',
    expected: 'refused',
    run: (target) => loggedIn(target, subscribe(['#', '+/#', '$share/g/#', '$SYS/#', victimTopic(target, 'cmd/#'), 'mend/v1/+/+/tele']), 'suback'),
  },
  {
    name: '1,000 filters in one SUBSCRIBE',
    expected: 'closed',
    run: (target) => loggedIn(target, subscribe(Array.from({ length: 1_000 }, (_, id) => victimTopic(target, `cmd/${id}`)))),
  },
  {
    name: 'will on another topic',
    expected: 'refused',
    run: (target) =>
      firstPacket(
        target,
        connectPacket(target.attacker, { will: { topic: victimTopic(target, 'state'), payload: Buffer.from('{}'), qos: 1, retain: true } }),
      ),
  },
  {
    name: 'client-id takeover',
    expected: 'refused',
    run: (target) => firstPacket(target, connectPacket({ ...target.attacker, clientId: target.victim })),
  },
  {
    name: 'login as another',
    expected: 'refused',
    run: (target) => firstPacket(target, connectPacket({ ...target.attacker, clientId: target.victim, username: target.victim })),
  },
  { name: 'second CONNECT', expected: 'closed', run: (target) => loggedIn(target, connectPacket(target.attacker)) },
  { name: 'PUBLISH before CONNECT', expected: 'closed', run: (target) => firstPacket(target, publishPacket(ownTopic(target), '{}')) },
  { name: 'connect and reset, 500 times', expected: 'survived', run: churn },
  { name: 'flood at QoS 0', expected: 'survived', run: (target) => flood(target, 0) },
  { name: 'flood at QoS 1 without reading', expected: 'survived', run: (target) => flood(target, 1) },
]
