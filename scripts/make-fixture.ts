/**
 * Makes the data folder of a release as a fixture: `node scripts/make-fixture.ts CHECKOUT VERSION`. It runs the program of that checkout as a
 * user would, lets devices publish (plain readings, a backlog, one that goes to the quarantine, readings of an air conditioner that loses
 * its refrigerant until an order is opened or the time is over), notes what the API says, stops the server and packs folder and answers to
 * `eval/fixtures/VERSION/`. A second device publishes and the server is killed, so that the journal holds what no store has.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt from 'mqtt'

const READINGS = 120
const DEVICES = ['ac-1', 'ac-2', 'ac-3']
const STARTED_MS = 1_760_000_000_000

const [checkout, version] = process.argv.slice(2)
if (checkout === undefined || version === undefined) throw new Error('use: node scripts/make-fixture.ts CHECKOUT VERSION')
const folder = mkdtempSync(join(tmpdir(), 'make-fixture-'))
const data = join(folder, 'data')
const target = resolve('eval', 'fixtures', version)

interface Running {
  readonly child: ChildProcess
  readonly mqttPort: number
  readonly url: string
}

function start(): Promise<Running> {
  const flags = ['--dev', '--data', data, '--mqtt-port', '0', '--http-port', '0', '--log-level', 'error']
  const child = spawn(process.execPath, ['cli.ts', 'serve', ...flags], { cwd: checkout, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolveStart, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      const ready = /ready mqtt=\S+:(\d+) http=(\S+)/.exec(chunk.toString())
      if (ready !== null) resolveStart({ child, mqttPort: Number(ready[1]), url: ready[2] ?? '' })
    })
  })
}

const gone = (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown> => {
  const ended = new Promise((resolveEnd) => child.once('exit', resolveEnd))
  child.kill(signal)
  return ended
}

async function api(url: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v1${path}`, body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  const text = await response.text()
  return path.startsWith('/readings/raw')
    ? text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    : (JSON.parse(text) as unknown)
}

async function publish(port: number, secret: string, device: string, from: number, to: number): Promise<void> {
  const login = { clientId: `home:${device}`, username: `home:${device}`, password: secret }
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { ...login, protocolVersion: 4 })
  const topic = `mend/v1/home/${device}/tele`
  for (let seq = from; seq < to; seq++) {
    const v = { power_w: 500 + seq, room_temperature_c: 20 + (seq % 50) / 10, ...(seq % 10 === 0 ? { mode: 'cool' } : {}) }
    await client.publishAsync(topic, JSON.stringify({ ts: Date.now() - (to - seq) * 60_000, seq, boot: 1, fw: `1.${seq % 3}`, v }), { qos: 1 })
  }
  await client.publishAsync(topic, '{"ts":', { qos: 1 })
  await client.endAsync()
}

try {
  let server = await start()
  const devices = DEVICES.map((device, index) => ({ device, type: 'air_conditioner', household: `household-${index}`, installed_at_ms: STARTED_MS }))
  const created = (await api(server.url, '/devices', devices)) as { items?: unknown }
  const secrets = (created.items ?? created) as ReadonlyArray<{ device: string; secret: string }>
  const secretOf = (device: string): string => secrets.find((entry) => entry.device === device)?.secret ?? ''
  for (const device of DEVICES) await publish(server.mqttPort, secretOf(device), device, 1, READINGS)
  // A danger: raises an alarm, an emergency and an order.
  const login = { clientId: 'home:ac-1', username: 'home:ac-1', password: secretOf('ac-1') }
  const danger = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { ...login, protocolVersion: 4 })
  const v = { board_temperature_c: 110, outdoor_temperature_c: 32, compressor_current_a: 6 }
  await danger.publishAsync('mend/v1/home/ac-1/tele', JSON.stringify({ ts: Date.now(), seq: READINGS + 500, boot: 1, v }), { qos: 1 })
  await danger.endAsync()
  await new Promise((resolveWait) => setTimeout(resolveWait, 3_000))
  await gone(server.child, 'SIGTERM')
  server = await start()
  for (const device of DEVICES) await publish(server.mqttPort, secretOf(device), device, READINGS, READINGS + 20)
  await new Promise((resolveWait) => setTimeout(resolveWait, 1_500))
  const answers = {
    readings: await api(server.url, '/readings/raw'),
    devices: await api(server.url, '/devices'),
    orders: await api(server.url, '/work-orders'),
    alarms: await api(server.url, '/alarms'),
    quarantine: await api(server.url, '/quarantine'),
    secrets: Object.fromEntries(secrets.map(({ device, secret }) => [device, secret])),
  }
  await gone(server.child, 'SIGKILL')
  mkdirSync(target, { recursive: true })
  writeFileSync(join(folder, 'answers.json'), JSON.stringify(answers))
  execFileSync('tar', ['-C', folder, '-cJf', join(target, 'data.tar.xz'), 'data', 'answers.json'])
  console.log(`${target}: ${statSync(join(target, 'data.tar.xz')).size} bytes, ${(answers.readings as unknown[]).length} readings`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
