/**
 * `node eval/system/emergency.ts`: the emergency path under load. A whole platform takes messages at a rate while the thread of its model
 * hangs, and units among them report terminals that overheat (E0). It prints how many dangers were missed and how long each took from its
 * receipt, which is before the append to the journal, until the hubs had it, which is behind the decision: an upper bound on both ends.
 * `--rate`, `--seconds`, `--dangers` change the load, `--check` exits with 1 when one is missed or the 99th percentile is above a second.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt'
import { runLoad } from '../load/mqtt-load.ts'
import { createDevices, RAISED_LIMITS, startMendline } from '../load/servers.ts'

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    dangers: { type: 'string', default: '100' },
    connections: { type: 'string', default: '200' },
    check: { type: 'boolean', default: false },
  },
})
const [rate, seconds, dangers, connections] = [flags.rate, flags.seconds, flags.dangers, flags.connections].map(Number) as [
  number,
  number,
  number,
  number,
]

/** Device time between two messages of the load, so that windows close and the model is asked. */
const STEP_MS = 30_000
const P99_MS_MAX = 1_000

process.env.NODE_OPTIONS = `--import=${new URL('./hang-model.mjs', import.meta.url).href}`
const server = await startMendline(RAISED_LIMITS)
delete process.env.NODE_OPTIONS
try {
  const result = await measure()
  console.log(
    `E0: ${result.raised} of ${dangers} dangers told, ${result.missed} missed; receipt to hub p50 ${result.p50_ms} ms, p99 ${result.p99_ms} ms, ` +
      `longest ${result.max_ms} ms, at ${result.messages_per_s} messages/s (asked ${rate}) with ${result.windows_waiting} windows before a hung model`,
  )
  console.log(JSON.stringify({ eval: 'emergency', data: 'simulated', rate_asked: rate, ...result }))
  if (flags.check && (result.missed > 0 || result.p99_ms > P99_MS_MAX)) process.exitCode = 1
} finally {
  await server.stop()
}

async function measure() {
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
    void overheat({ tenant, device, secret })
    await pause(spacingMs)
  }
  const { messagesPerS } = await load
  const windows_waiting = await metric(httpPort, 'mendline_pipeline_windows_pending_count')
  await pause(2_000)
  const waits = (await emergencies(httpPort)).sort((a, b) => a - b)
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? Number.POSITIVE_INFINITY
  const missed = dangers - waits.length
  return { raised: waits.length, missed, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), messages_per_s: Math.round(messagesPerS), windows_waiting }
}

async function overheat({ tenant, device, secret }: { readonly tenant: string; readonly device: string; readonly secret: string }): Promise<void> {
  const name = `${tenant}:${device}`
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { clientId: name, username: name, password: secret })
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

async function list<Item>(httpPort: number, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const url = `http://127.0.0.1:${httpPort}/api/v1${path}?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`
    const answer = await fetch(url, { headers: { authorization: 'Bearer dev' } })
    const page = (await answer.json()) as { items: Item[]; next: string | null }
    items.push(...page.items)
    cursor = page.next
  }
  return items
}

async function metric(httpPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}
