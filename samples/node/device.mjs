// A device in Node: store-and-forward on disk, `boot` and `seq` right over restarts, settings and commands answered. Needs the package mqtt 5.
// node device.mjs --url mqtt://127.0.0.1:1883 --name home:my-ac --secret ... --folder ./state [--readings 100] [--every-ms 1000]
import { appendFileSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    name: { type: 'string' },
    secret: { type: 'string' },
    folder: { type: 'string', default: './state' },
    readings: { type: 'string', default: '0' },
    'every-ms': { type: 'string', default: '1000' },
  },
})
const [tenant, device] = (values.name ?? '').split(':')
const topic = (rest) => `mend/v1/${tenant}/${device}/${rest}`
mkdirSync(values.folder, { recursive: true })
const QUEUE = join(values.folder, 'queue.jsonl')
const BOOT = join(values.folder, 'boot')
const SETTINGS = join(values.folder, 'settings.json')
const COMMANDS = join(values.folder, 'commands.json')
/** Readings that the server may have to acknowledge at one time. */
const IN_FLIGHT_MAX = 20
/** Readings kept while there is no connection; the oldest go first. */
const QUEUE_MAX = 100_000
/** Wait before connecting again. */
const WAIT_MS_MIN = 1_000
const WAIT_MS_MAX = 60_000

/** Writes a file so that a power cut leaves the old one or the new one. */
function replaceFile(path, text) {
  const file = openSync(`${path}.new`, 'w')
  writeSync(file, text)
  fsyncSync(file)
  closeSync(file)
  renameSync(`${path}.new`, path)
}

const readJson = (path, otherwise) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : otherwise)

// A new number at each start, on disk before the first reading uses it: (boot, seq) is never used twice.
const boot = (existsSync(BOOT) ? Number(readFileSync(BOOT, 'utf8')) : 0) + 1
replaceFile(BOOT, String(boot))

// What was not acknowledged before the restart, in its order; a last line that a power cut tore is left out.
const lines = existsSync(QUEUE) ? readFileSync(QUEUE, 'utf8').split('\n') : []
let queue = lines.flatMap((line) => {
  try {
    return line === '' ? [] : [JSON.parse(line)]
  } catch {
    return []
  }
})
for (const reading of queue) reading.hist = true
const rewriteQueue = () => replaceFile(QUEUE, queue.map((reading) => `${JSON.stringify(reading)}\n`).join(''))
rewriteQueue()

const client = mqtt.connect(values.url, {
  protocolVersion: 4,
  clientId: values.name,
  username: values.name,
  password: values.secret,
  clean: false,
  // `close` sets it anew each time, see below.
  reconnectPeriod: WAIT_MS_MIN,
  // We keep what is not acknowledged ourselves, and on disk.
  queueQoSZero: false,
  will: { topic: topic('state'), payload: '{"online":false}', qos: 1, retain: true },
})
client.on('error', (error) => process.stderr.write(`${error.message}\n`))

let seq = 0
let acknowledged = 0
let done = 0
const inFlight = new Set()

function measure() {
  const reading = { ts: Date.now(), seq: seq++, boot, hist: !client.connected, fw: '1.0.0', v: { room_temperature_c: 20 + Math.random() } }
  queue.push(reading)
  if (queue.length > QUEUE_MAX) queue.shift()
  appendFileSync(QUEUE, `${JSON.stringify(reading)}\n`, { flush: true })
  send()
}

/** Sends what waits, oldest first; a reading leaves the disk only after its PUBACK. */
function send() {
  if (!client.connected) return
  for (const reading of queue) {
    if (inFlight.size >= IN_FLIGHT_MAX) return
    if (inFlight.has(reading)) continue
    inFlight.add(reading)
    client.publish(topic('tele'), JSON.stringify(reading), { qos: 1 }, (error) => {
      inFlight.delete(reading)
      if (error) return
      queue = queue.filter((kept) => kept !== reading)
      acknowledged++
      if (queue.length === 0 || acknowledged % 50 === 0) rewriteQueue()
      if (queue.length === 0 && done > 0 && seq >= done) finish()
      else send()
    })
  }
}

let waitMs = WAIT_MS_MIN
client.on('connect', () => {
  waitMs = WAIT_MS_MIN
  client.subscribe([topic('desired'), topic('cmd/#')], { qos: 1 })
  client.publish(topic('state'), '{"online":true}', { qos: 1, retain: true })
  send()
})
// Before the library's own listener, which begins the wait.
client.prependListener('close', () => {
  // Half of the wait is random and it doubles up to a minute, so that a town whose power comes back does not call at once.
  client.options.reconnectPeriod = waitMs / 2 + (Math.random() * waitMs) / 2
  waitMs = Math.min(2 * waitMs, WAIT_MS_MAX)
  for (const reading of queue) reading.hist = true
})

/** Commands that were carried out, with their answers: one that comes again is answered and not done again. */
const answered = readJson(COMMANDS, [])
const ANSWERED_MAX = 100
let settings = readJson(SETTINGS, {})

client.on('message', (name, payload) => {
  const message = JSON.parse(payload.toString())
  if (name === topic('desired')) onDesired(message)
  else onCommand(name.split('/').at(-1), message)
})

/** Takes the settings over, keeps them, and says what holds now. */
function onDesired({ version, expires_at_ms, desired }) {
  if (expires_at_ms < Date.now()) return
  settings = { ...settings, ...desired }
  replaceFile(SETTINGS, JSON.stringify(settings))
  client.publish(topic('reported'), JSON.stringify({ ts: Date.now(), desired_version: version, reported: settings }), { qos: 1 })
}

function onCommand(id, { command, expires_at_ms }) {
  let answer = answered.find((one) => one.id === id)
  if (answer === undefined) {
    const isKnown = command === 'safe_state' || command === 'identify'
    answer = { id, state: isKnown && !(expires_at_ms < Date.now()) ? 'done' : 'refused' }
    answered.push(answer)
    if (answered.length > ANSWERED_MAX) answered.shift()
    replaceFile(COMMANDS, JSON.stringify(answered))
  }
  client.publish(topic(`cmd/${id}/ack`), JSON.stringify({ state: answer.state }), { qos: 1 })
}

function finish() {
  process.stdout.write(`${JSON.stringify({ boot, readings: seq, acknowledged })}\n`)
  client.end(false, () => process.exit(0))
}

done = Number(values.readings)
const timer = setInterval(() => {
  if (done > 0 && seq >= done) {
    clearInterval(timer)
    if (queue.length === 0) finish()
  } else measure()
}, Number(values['every-ms']))
