/**
 * The peer that does the same work from parts that exist: Debian's mosquitto takes the messages, Telegraf parses them, Debian's
 * VictoriaMetrics stores the numbers. It acknowledges before it stores. Telegraf comes from the Go module proxy, built once into the
 * packages' cache with only the three plugins that are used (`eval/peers/telegraf/`); without Go or one of the servers there is no peer.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { READINGS_PER_MESSAGE } from './mqtt-load.ts'
import { freePort, type RunningServer, running, startMosquitto, untilAccepts } from './servers.ts'

const root = join(import.meta.dirname, '..', '..')
const TAGS = 'custom,inputs.mqtt_consumer,outputs.influxdb_v2,parsers.json_v2'
/** The build took about a minute on two cores. */
const BUILD_WITHIN_MS = 600_000
const STORED_WITHIN_MS = 120_000

/** The channels of the load's messages. */
const FIELDS = [
  'outdoor_temperature_c',
  'room_temperature_c',
  'discharge_temperature_c',
  'suction_temperature_c',
  'compressor_frequency_hz',
  'compressor_current_a',
  'power_w',
  'mains_voltage_v',
] as const

/** Starts the three processes, or tells why there is no such peer here. */
export async function startTelegrafPipeline(): Promise<RunningServer | string> {
  const telegraf = buildTelegraf()
  if (telegraf === undefined) return 'Telegraf cannot be built (no Go, or no module proxy)'
  if (spawnSync('victoria-metrics', ['-version']).error !== undefined) return 'victoria-metrics is not installed'
  const mosquitto = await startMosquitto()
  if (mosquitto === undefined) return 'mosquitto is not installed'
  const folder = mkdtempSync(join(tmpdir(), 'mendline-telegraf-'))
  const startedMs = performance.now()
  const storePort = await freePort()
  const storeArguments = [
    `-storageDataPath=${join(folder, 'store')}`,
    `-httpListenAddr=127.0.0.1:${storePort}`,
    '-loggerLevel=ERROR',
    '-retentionPeriod=10y',
  ]
  const store = running('victoria-metrics', spawn('victoria-metrics', storeArguments, { stdio: 'ignore' }), 0, storePort, 0)
  await untilAccepts(storePort)
  const configFile = join(folder, 'telegraf.conf')
  writeFileSync(configFile, telegrafConfig(mosquitto.mqttPort, storePort))
  const collector = running(
    'telegraf',
    spawn(telegraf, ['--quiet', '--config', configFile], { stdio: ['ignore', 'ignore', 'inherit'] }),
    0,
    undefined,
    0,
  )
  await untilSubscribed(mosquitto.mqttPort, storePort)
  const parts = [mosquitto, collector, store]
  const before = await rowsStored(storePort)
  return {
    name: 'mosquitto + Telegraf + VictoriaMetrics',
    mqttPort: mosquitto.mqttPort,
    httpPort: storePort,
    pid: collector.pid,
    startMs: performance.now() - startedMs,
    cpuSeconds: () => parts.reduce((sum, part) => sum + part.cpuSeconds(), 0),
    rssMb: () => parts.reduce((sum, part) => sum + part.rssMb(), 0),
    untilStored: (messages) => untilRows(storePort, before + messages * READINGS_PER_MESSAGE),
    async stop() {
      for (const part of [collector, mosquitto, store]) await part.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The program's path; undefined where it cannot be built. */
function buildTelegraf(): string | undefined {
  const folder = join(root, 'node_modules', '.cache', 'mendline', 'telegraf')
  const program = join(folder, 'telegraf')
  if (existsSync(program)) return program
  if (spawnSync('go', ['version']).error !== undefined) return undefined
  mkdirSync(folder, { recursive: true })
  for (const file of ['go.mod', 'go.sum']) cpSync(join(root, 'eval', 'peers', 'telegraf', file), join(folder, file))
  console.log('building Telegraf for the comparison, about a minute, once')
  const arguments_ = [
    'build',
    '-mod=mod',
    '-trimpath',
    '-ldflags',
    '-s -w',
    '-tags',
    TAGS,
    '-o',
    program,
    'github.com/influxdata/telegraf/cmd/telegraf',
  ]
  const result = spawnSync('go', arguments_, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: BUILD_WITHIN_MS })
  return result.status === 0 ? program : undefined
}

/** Batches and buffers as Telegraf's documentation advises for throughput; QoS 1 and a session that stays. */
function telegrafConfig(mqttPort: number, storePort: number): string {
  const fields = FIELDS.map((field) => `      [[inputs.mqtt_consumer.json_v2.field]]\n        path = "v.${field}"\n        type = "float"`)
  return `[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 10000
  metric_buffer_limit = 1000000
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:${mqttPort}"]
  topics = ["mend/v1/+/+/tele"]
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 100000
  topic_tag = ""
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "mend/v1/+/+/tele"
    tags = "_/_/tenant/device/_"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "air_conditioner"
    timestamp_path = "ts"
    timestamp_format = "unix_ms"
${fields.join('\n')}
[[outputs.influxdb_v2]]
  urls = ["http://127.0.0.1:${storePort}"]
  token = ""
  organization = "mendline"
  bucket = "mendline"
  content_encoding = "gzip"
`
}

/** A first message comes through once Telegraf has subscribed; it is sent with mosquitto's own client until then. */
async function untilSubscribed(mqttPort: number, storePort: number): Promise<void> {
  const value = JSON.stringify({ ts: Date.now(), v: Object.fromEntries(FIELDS.map((field) => [field, 1])) })
  for (let attempt = 0; attempt < 60; attempt++) {
    spawnSync('mosquitto_pub', ['-p', String(mqttPort), '-q', '1', '-t', 'mend/v1/home/first/tele', '-m', value])
    await new Promise((resolve) => setTimeout(resolve, 500))
    if ((await rowsStored(storePort)) > 0) {
      // What was sent before and is still on its way is not to be counted later.
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      return
    }
  }
  throw new Error('no message came through mosquitto and Telegraf into VictoriaMetrics')
}

async function untilRows(storePort: number, rows: number): Promise<void> {
  const deadlineMs = performance.now() + STORED_WITHIN_MS
  for (;;) {
    const stored = await rowsStored(storePort)
    if (stored >= rows) return
    if (performance.now() > deadlineMs) throw new Error(`the peer stored ${stored} of ${rows} values in time`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function rowsStored(storePort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${storePort}/metrics`)
  const text = await response.text()
  return Number(/^vm_rows_inserted_total\{type="influx"\} (\S+)$/m.exec(text)?.[1] ?? 0)
}
