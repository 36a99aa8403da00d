/**
 * Whether an import delays live devices: one device publishes fifty times a second at QoS 1 while nothing else happens, and again while a
 * file is imported; printed are the waits for its PUBACK and the rows a second of the import. `node eval/load/import-pace.ts [rows]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { freePort, startCrashServer } from '../system/crash-server.ts'
import { type ThreadTimes, threadTimes } from './thread-cpu.ts'

const ROWS = Number(process.argv[2] ?? 100_000)
const EVERY_MS = 20
const CALM_MS = 8_000
const headers = { authorization: 'Bearer dev' }

const folder = mkdtempSync(join(tmpdir(), 'import-pace-'))
const [mqttPort, httpPort] = [await freePort(), await freePort()]
const server = await startCrashServer({ data: join(folder, 'data'), mqttPort, httpPort })
const api = `http://127.0.0.1:${httpPort}/api/v1`
try {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { protocolVersion: 4, clientId: 'live' })
  let seq = 0
  const measure = async (goesOn: () => boolean): Promise<object> => {
    const waits: number[] = []
    const [beganMs, began] = [performance.now(), threadTimes(server.child.pid)]
    const open = new Set<Promise<unknown>>()
    while (goesOn()) {
      const startMs = performance.now()
      const payload = JSON.stringify({ ts: Date.now(), boot: 1, seq: seq++, v: { power_w: seq % 1_000 } })
      const sent: Promise<unknown> = client.publishAsync('mend/v1/home/live/tele', payload, { qos: 1 }).then(() => {
        waits.push(performance.now() - startMs)
        open.delete(sent)
      })
      open.add(sent)
      await sleep(EVERY_MS)
    }
    await Promise.all(open)
    waits.sort((a, b) => a - b)
    const at = (share: number): number => Number((waits[Math.floor(share * (waits.length - 1))] ?? 0).toFixed(1))
    const share = shareOf(began, threadTimes(server.child.pid), performance.now() - beganMs)
    return { messages: waits.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), ...share }
  }
  await measure(until(2_000))
  const calm = await measure(until(CALM_MS))
  const lines = Array.from(
    { length: ROWS },
    (_, index) => `ac-${index % 10},${1_600_000_000_000 + index * 1000},${40 + (index % 500) / 10},${index % 90}`,
  )
  const query = 'create_devices=true&type=air_conditioner'
  const startMs = performance.now()
  const begun = await fetch(`${api}/imports?${query}`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'text/csv' } },
    body: ['device,ts,discharge_temperature_c,compressor_frequency_hz', ...lines].join('\n'),
  })
  const { import_id: id } = (await begun.json()) as { import_id: string }
  let isRunning = true
  const watch = (async () => {
    for (; isRunning; await sleep(200)) {
      const { state } = (await (await fetch(`${api}/imports/${id}`, { headers })).json()) as { state: string }
      isRunning = state === 'waiting' || state === 'running'
    }
    return Math.round(ROWS / ((performance.now() - startMs) / 1000))
  })()
  const busy = await measure(() => isRunning)
  console.log(JSON.stringify({ puback_without_import: calm, puback_with_import: busy, import_rows_per_s: await watch }))
  await client.endAsync()
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

function until(ms: number): () => boolean {
  const endMs = performance.now() + ms
  return () => performance.now() < endMs
}

/** In a second: what the thread that acknowledges ran, waited for a processor, and the other threads ran. */
function shareOf(from: ThreadTimes | undefined, to: ThreadTimes | undefined, ms: number): object {
  if (from === undefined || to === undefined) return {}
  const perSecond = (name: keyof ThreadTimes): number => Math.round(((to[name] - from[name]) / ms) * 1000)
  return { main_ms_per_s: perSecond('mainMs'), main_waited_ms_per_s: perSecond('mainWaitedMs'), others_ms_per_s: perSecond('othersMs') }
}
