/**
 * The emergency path under load: a whole platform takes messages at a rate while the thread of its model hangs, and units among them report terminals
 * that overheat (E0). Measured is the time from the receipt of a danger, which is before the append to the journal, until the hubs have it,
 * which is behind the decision: an upper bound on both ends.
 */
import { setTimeout as pause } from 'node:timers/promises'
import mqtt from 'mqtt'
import { runLoad } from '../load/mqtt-load.ts'
import { createDevices, type MendlineServer, RAISED_LIMITS, startMendline } from '../load/servers.ts'

export interface EmergencyLoad {
  readonly rate: number
  readonly seconds: number
  readonly dangers: number
  readonly connections: number
}

export interface EmergencyResult {
  readonly raised: number
  readonly missed: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly max_ms: number
  readonly messages_per_s: number
}

/** Device time between two messages of the load, so that windows close and the model is asked. */
export const STEP_MS = 30_000

/** Starts a platform whose model hangs. */
export async function startWithHungModel(): Promise<MendlineServer> {
  process.env.NODE_OPTIONS = `--import=${new URL('./hang-model.mjs', import.meta.url).href}`
  return startMendline(RAISED_LIMITS).finally(() => {
    delete process.env.NODE_OPTIONS
  })
}

/** Starts a platform whose model hangs, measures, and stops it. */
export async function measureEmergency(load: EmergencyLoad): Promise<EmergencyResult> {
  const server = await startWithHungModel()
  try {
    return await measure(server, load)
  } finally {
    await server.stop()
  }
}

async function measure(server: MendlineServer, { rate, seconds, dangers, connections }: EmergencyLoad): Promise<EmergencyResult> {
  const httpPort = server.httpPort ?? 0
  const devices = await createDevices(httpPort, connections, 'load')
  const endangered = await createDevices(httpPort, dangers, 'danger')
  const beginMs = Date.now() - 3 * 86_400_000
  const load = runLoad({
    port: server.mqttPort,
    devices,
    inFlight: 16,
    messages: rate * seconds,
    rate,
    observedAtMs: (seq) => beginMs + seq * STEP_MS,
  })
  await pause(2_000)
  const spacingMs = ((seconds - 4) * 1_000) / dangers
  for (const { tenant, device, secret } of endangered) {
    void overheat(server.mqttPort, { tenant, device, secret })
    await pause(spacingMs)
  }
  const { messagesPerS } = await load
  await pause(2_000)
  const waits = (await emergencies(httpPort)).sort((a, b) => a - b)
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? Number.POSITIVE_INFINITY
  const missed = dangers - waits.length
  return { raised: waits.length, missed, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), messages_per_s: Math.round(messagesPerS) }
}

async function overheat(
  mqttPort: number,
  { tenant, device, secret }: { readonly tenant: string; readonly device: string; readonly secret: string },
): Promise<void> {
  const name = `${tenant}:${device}`
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: name, username: name, password: secret })
  const v = { board_temperature_c: 99, outdoor_temperature_c: 30, compressor_current_a: 5 }
  await client.publishAsync(`mend/v1/${tenant}/${device}/tele`, JSON.stringify({ ts: Date.now(), seq: 1, boot: 1, v }), { qos: 1 })
  await client.endAsync()
}

/** Milliseconds from the receipt of each danger to its emergency. */
async function emergencies(httpPort: number): Promise<number[]> {
  const alarms = new Map(
    (await list<{ alarm_id: string; received_at_ms: number }>(httpPort, '/alarms')).map((alarm) => [alarm.alarm_id, alarm.received_at_ms]),
  )
  return (await list<{ alarm_id: string; created_at_ms: number }>(httpPort, '/emergencies')).map(
    ({ alarm_id, created_at_ms }) => created_at_ms - (alarms.get(alarm_id) ?? Number.NEGATIVE_INFINITY),
  )
}

/** All items of a list of the API. */
export async function list<Item>(httpPort: number, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page<Item> = await read<Item>(httpPort, `${path}?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`)
    items.push(...page.items)
    cursor = page.next ?? null
  }
  return items
}

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string | null
}

/** One answer of the API; throws with what it says when it refuses. */
export async function read<Item>(httpPort: number, path: string): Promise<Page<Item>> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Page<Item>
}
