/**
 * Worker thread: the healthy device beside the hostile ones. It publishes one valid reading after the other at QoS 1 on a loop of its
 * own, so that what the attackers cost their own process does not count, and reports the times to PUBACK when asked.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { connectAsync } from 'mqtt'
import type { HostileLogin } from './hostile-cases.ts'

const { port, login } = workerData as { port: number; login: HostileLogin }
const PAUSE_MS = 5

const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0, keepalive: 30, ...login }, false)
const [tenant, device] = login.username.split(':')
let latenciesMs: number[] = []
let isLost = false
client.on('close', () => {
  isLost = true
})
client.on('error', () => {})
parentPort?.on('message', () => {
  parentPort?.postMessage({ latenciesMs, isLost })
  latenciesMs = []
})
parentPort?.postMessage('ready')

const boot = Math.floor(Date.now() / 1_000)
for (let seq = 0; !isLost; seq++) {
  const payload = JSON.stringify({ ts: Date.now(), seq, boot, v: { discharge_temperature_c: 70 + (seq % 10) / 10 } })
  const fromMs = performance.now()
  await client.publishAsync(`mend/v1/${tenant}/${device}/tele`, payload, { qos: 1 }).catch(() => {})
  latenciesMs.push(performance.now() - fromMs)
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
}
