/**
 * The path of a danger under load, to both ends that matter: a whole platform takes messages at a rate while the thread of its model hangs,
 * units among them report terminals that overheat (E0), and listen for the command that makes them safe; a dispatch system takes webhooks, and
 * somebody is on duty. Times begin at the receipt, which is before the append to the journal.
 */
import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import mqtt from 'mqtt'
import { type LoadDevice, runLoad } from '../load/mqtt-load.ts'
import { createDevices, type MendlineServer } from '../load/servers.ts'
import { type EmergencyLoad, list, read, STEP_MS, startWithHungModel } from '../system/emergency-run.ts'

export interface PathLoad extends EmergencyLoad {
  /** Waits a minute behind the last danger and counts those that nobody has then. */
  readonly waitsForOwners: boolean
}

export interface PathResult {
  readonly dangers: number
  /** Milliseconds from the receipt, one for each danger that came so far. */
  readonly command: readonly number[]
  /** Somebody on duty was called and the call taken. */
  readonly call: readonly number[]
  /** The dispatch system's 2xx to `emergency.raised`. */
  readonly webhook: readonly number[]
  /** The same to `work_order.opened` of the same danger, by the ordinary path. */
  readonly ordinary: readonly number[]
  /** Dangers without an owner or a countdown a minute after the last; undefined when nobody waited. */
  readonly unowned: number | undefined
  readonly messagesPerS: number
}

const HEADERS = { authorization: 'Bearer dev', 'content-type': 'application/json' }
/** Longest wait behind the load for what is still on its way by the ordinary path. */
const ORDINARY_MS_MAX = 60_000
const OWNED_WITHIN_MS = 60_000

export async function measureEmergencyPath(load: PathLoad): Promise<PathResult> {
  const server = await startWithHungModel()
  const desk = await openDesk()
  try {
    return await measure(server, desk, load)
  } finally {
    await desk.stop()
    await server.stop()
  }
}

async function measure(server: MendlineServer, desk: Desk, { rate, seconds, dangers, connections, waitsForOwners }: PathLoad): Promise<PathResult> {
  const httpPort = server.httpPort ?? 0
  await ask(httpPort, 'POST', '/webhooks', { url: `${desk.url}/webhooks` })
  await ask(httpPort, 'PUT', '/duty-roster', {
    time_zone: 'UTC',
    people: [{ person: 'duty', name: 'Duty', channels: [{ kind: 'chat', url: `${desk.url}/chat` }] }],
    shifts: [{ person: 'duty', from: '00:00', to: '00:00' }],
  })
  const devices = await createDevices(httpPort, connections, 'load')
  const endangered = await createDevices(httpPort, dangers, 'danger')
  const beginMs = Date.now() - 3 * 86_400_000
  const commandedAt = new Map<string, number>()
  const units = await Promise.all(endangered.map((device) => listen(server.mqttPort, device, commandedAt)))
  const load = runLoad({
    ...{ port: server.mqttPort, devices, inFlight: 16, messages: rate * seconds, rate },
    observedAtMs: (seq) => beginMs + seq * STEP_MS,
  })
  await pause(2_000)
  const spacingMs = ((seconds - 4) * 1_000) / dangers
  for (const unit of units) {
    void unit.overheat()
    await pause(spacingMs)
  }
  const lastMs = Date.now()
  const { messagesPerS } = await load
  const deadlineMs = Date.now() + ORDINARY_MS_MAX
  while (desk.openedAt.size < dangers && Date.now() < deadlineMs) await pause(200)
  const unowned = waitsForOwners ? await countUnowned(httpPort, lastMs) : undefined
  await Promise.all(units.map(({ end }) => end()))
  return { dangers, ...(await delays(httpPort, { commandedAt, openedAt: desk.openedAt })), unowned, messagesPerS: Math.round(messagesPerS) }
}

async function ask(httpPort: number, method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, { method, headers: HEADERS, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

/** A unit that hears its commands, answers them, and overheats when told. */
async function listen(mqttPort: number, { tenant, device, secret }: LoadDevice, commandedAt: Map<string, number>) {
  const name = `${tenant}:${device}`
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: name, username: name, password: secret })
  client.on('message', (topic) => {
    if (!commandedAt.has(device)) commandedAt.set(device, Date.now())
    client.publish(`${topic}/ack`, '{"state":"done"}', { qos: 1 })
  })
  await client.subscribeAsync(`mend/v1/${tenant}/${device}/cmd/#`, { qos: 1 })
  const v = { board_temperature_c: 99, outdoor_temperature_c: 30, compressor_current_a: 5 }
  return {
    overheat: () => client.publishAsync(`mend/v1/${tenant}/${device}/tele`, JSON.stringify({ ts: Date.now(), seq: 1, boot: 1, v }), { qos: 1 }),
    end: () => client.endAsync(),
  }
}

interface Desk {
  readonly url: string
  /** When the answer to the order of a device left. */
  readonly openedAt: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** The dispatch system, and the chat of who is on duty. */
async function openDesk(): Promise<Desk> {
  const openedAt = new Map<string, number>()
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeHead(204).end()
      if (!body.includes('mendline.work_order.opened.v1')) return
      const { data } = JSON.parse(body) as { data: { work_order: { device: string } } }
      openedAt.set(data.work_order.device, Date.now())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the desk has no port')
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${address.port}`, openedAt, stop }
}

interface EmergencyItem {
  readonly emergency_id: string
  readonly alarm_id: string
  readonly device: string
  readonly state: string
  readonly owner: string | null
  readonly next_step_at_ms: number | null
}

async function countUnowned(httpPort: number, lastMs: number): Promise<number> {
  await pause(Math.max(0, lastMs + OWNED_WITHIN_MS - Date.now()))
  const items = await list<EmergencyItem>(httpPort, '/emergencies')
  const nowMs = Date.now()
  // A countdown that is a second over is one that nobody follows.
  const isOwned = ({ state, owner, next_step_at_ms }: EmergencyItem): boolean =>
    state === 'resolved' || (owner !== null && next_step_at_ms !== null && next_step_at_ms > nowMs - 1_000)
  return items.filter((item) => !isOwned(item)).length
}

interface Step {
  readonly kind: string
  readonly at_ms: number
  readonly detail: { readonly type?: string; readonly status?: number | null }
}

/** The command and the order by the clock of who received them; webhook and call by the book, when their 2xx was there. */
async function delays(
  httpPort: number,
  { commandedAt, openedAt }: { readonly commandedAt: ReadonlyMap<string, number>; readonly openedAt: ReadonlyMap<string, number> },
): Promise<Pick<PathResult, 'command' | 'call' | 'webhook' | 'ordinary'>> {
  const alarms = await list<{ alarm_id: string; received_at_ms: number }>(httpPort, '/alarms')
  const receivedAt = new Map(alarms.map(({ alarm_id, received_at_ms }) => [alarm_id, received_at_ms]))
  const found = { command: [] as number[], call: [] as number[], webhook: [] as number[], ordinary: [] as number[] }
  for (const { emergency_id, alarm_id, device } of await list<EmergencyItem>(httpPort, '/emergencies')) {
    const beginMs = receivedAt.get(alarm_id)
    if (beginMs === undefined) continue
    const { items: steps } = await read<Step>(httpPort, `/emergencies/${emergency_id}/steps`)
    const isTaken = ({ kind, detail: { type, status } }: Step): boolean =>
      kind === 'webhook' && type === 'mendline.emergency.raised.v1' && status !== undefined && status !== null && status < 300
    const times = {
      command: commandedAt.get(device),
      call: steps.find(({ kind }) => kind === 'call_taken')?.at_ms,
      webhook: steps.find(isTaken)?.at_ms,
      ordinary: openedAt.get(device),
    }
    for (const [name, atMs] of Object.entries(times)) if (atMs !== undefined) found[name as keyof typeof found].push(atMs - beginMs)
  }
  return found
}
