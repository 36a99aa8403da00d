/**
 * `replay` publishes recorded data as a real MQTT client would: QoS 1, an in-flight limit, resent on reconnect, each sample under its
 * own (boot, seq). The device must exist unless `--create` is given. The same recording with `--keep-times` and the same `--boot` is
 * the same data: it is stored once however often it is sent.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import type { Command } from 'commander'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT, isId } from '#kernel/ids.ts'
import { limits } from '#kernel/limits.ts'
import { type ClientFlags, createClient } from './client.ts'
import { connectDevice, type DeviceConnection } from './device-connection.ts'
import { lineParser, type Mapping, readMapping, type Sample } from './replay-mapping.ts'

interface ReplayFlags extends ClientFlags {
  readonly map: string
  readonly device: string
  readonly tenant: string
  readonly type?: string
  readonly speed: string
  readonly keepTimes?: boolean
  readonly shiftToNow?: boolean
  readonly create?: boolean
  readonly mqtt: string
  readonly secret?: string
  readonly boot?: string
  readonly batch?: string
}

/** What was read and acknowledged. */
export interface ReplayReport {
  readonly samples: number
  readonly acknowledged: number
  readonly bad_rows: number
  readonly empty_rows: number
  readonly payloads: number
  readonly boot: number
  readonly from_ms: number
  readonly to_ms: number
}

/** Publishes that wait for their PUBACK at one time. */
const IN_FLIGHT_MAX = 32
/** Samples in one payload when data runs this much faster than it was recorded, as a device sends a backlog. */
const BACKLOG_SPEED = 10
const BACKLOG_BATCH = 100
const BAD_ROWS_SHOWN = 5

export function replayVerb(program: Command): void {
  program
    .command('replay')
    .description('publish recorded data (CSV, also .gz) as a device')
    .argument('<files...>', 'in order of time')
    .requiredOption('--map <file>', 'mapping of columns, see docs/connect-a-device.md')
    .requiredOption('--device <id>', 'device that sends')
    .option('--tenant <id>', 'its tenant', DEFAULT_TENANT)
    .option('--type <type>', 'appliance type, with --create')
    .option('--speed <n>', 'times real time, or max', 'max')
    .option('--shift-to-now', 'shift the times so that the last one is now (default)')
    .option('--keep-times', 'send the times as recorded; the device needs a large max_age_days')
    .option('--create', 'create the device, and the type when there is none, by the API')
    .option('--mqtt <url>', 'broker', 'mqtt://127.0.0.1:1883')
    .option('--secret <secret>', 'secret of the device (default: MENDLINE_DEVICE_SECRET)')
    .option('--boot <n>', 'restart count on the wire (default: seconds since 1970 now)')
    .option('--batch <n>', 'samples in one payload')
    .option('--url <url>', 'API, with --create')
    .option('--key <key>', 'API key, with --create')
    .action(async (files: string[], flags: ReplayFlags) => {
      const report = await replay(files, flags)
      console.log(JSON.stringify(report))
    })
}

/** @throws MendlineError MDL_REPLAY_INVALID, MDL_BROKER_BAD_CREDENTIALS */
async function replay(files: readonly string[], flags: ReplayFlags): Promise<ReplayReport> {
  const mapping = readMapping(flags.map)
  const settings = settingsOf(flags)
  const scan = await survey(files, mapping)
  if (scan.samples === 0) throw new MendlineError('MDL_REPLAY_INVALID', `no sample can be read; ${scan.bad.slice(0, BAD_ROWS_SHOWN).join('; ')}`)
  for (const row of scan.bad.slice(0, BAD_ROWS_SHOWN)) console.error(`bad row: ${row}`)
  const shiftMs = flags.keepTimes === true ? 0 : Date.now() - scan.toMs
  const secret = flags.create === true ? await create(flags, mapping) : (flags.secret ?? process.env.MENDLINE_DEVICE_SECRET)
  const publisher = await connectDevice({ url: flags.mqtt, tenant: flags.tenant, device: flags.device, secret })
  try {
    const payloads = await publishAll(publisher, samplesOf(files, mapping), {
      ...settings,
      shiftMs,
      topic: `mend/v1/${flags.tenant}/${flags.device}/tele`,
    })
    return {
      samples: scan.samples,
      acknowledged: payloads.samples,
      bad_rows: scan.badCount,
      empty_rows: scan.empty,
      payloads: payloads.count,
      boot: settings.boot,
      from_ms: scan.fromMs + shiftMs,
      to_ms: scan.toMs + shiftMs,
    }
  } finally {
    await publisher.end()
  }
}

function settingsOf(flags: ReplayFlags): { readonly speed: number; readonly batch: number; readonly boot: number } {
  const speed = flags.speed === 'max' ? Number.POSITIVE_INFINITY : Number(flags.speed)
  const batch = flags.batch === undefined ? (speed >= BACKLOG_SPEED ? BACKLOG_BATCH : 1) : Number(flags.batch)
  const boot = flags.boot === undefined ? Math.floor(Date.now() / 1000) : Number(flags.boot)
  const faults = [
    speed > 0 ? undefined : '--speed is a number above 0, or max',
    Number.isInteger(batch) && batch >= 1 && batch <= limits.readingsPerPayload_MAX
      ? undefined
      : `--batch is from 1 to ${limits.readingsPerPayload_MAX}`,
    Number.isInteger(boot) && boot >= 0 && boot < 2 ** 32 ? undefined : '--boot is a uint32',
    isId(flags.device) && isId(flags.tenant) ? undefined : '--device and --tenant are 1 to 64 letters, digits, _ or -',
    flags.keepTimes === true && flags.shiftToNow === true ? '--keep-times and --shift-to-now exclude each other' : undefined,
    flags.create === true && flags.type === undefined ? '--create needs --type' : undefined,
  ].filter((fault) => fault !== undefined)
  if (faults.length > 0) throw new MendlineError('MDL_REPLAY_INVALID', faults.join('\n'))
  return { speed, batch, boot }
}

/** First pass: counts, span of time and what cannot be read, so that faults show before anything is sent. */
async function survey(files: readonly string[], mapping: Mapping) {
  const found = { samples: 0, empty: 0, badCount: 0, fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY, bad: [] as string[] }
  const onBad = (row: string): void => {
    found.badCount++
    if (found.bad.length < BAD_ROWS_SHOWN) found.bad.push(row)
  }
  for await (const sample of samplesOf(files, mapping, onBad, () => found.empty++)) {
    found.samples++
    found.fromMs = Math.min(found.fromMs, sample.timeMs)
    found.toMs = Math.max(found.toMs, sample.timeMs)
  }
  return found
}

/** Samples of the files in order; rows without a value are none. */
async function* samplesOf(files: readonly string[], mapping: Mapping, onBad?: (row: string) => void, onEmpty?: () => void): AsyncGenerator<Sample> {
  for (const file of files) {
    const parseLine = lineParser(mapping)
    let row = 0
    for await (const line of linesOf(file)) {
      row++
      const parsed = parseLine(line)
      if (parsed.kind === 'bad') onBad?.(`${file}:${row} ${parsed.reason}`)
      else if (parsed.kind === 'sample') {
        if (Object.keys(parsed.sample.values).length > 0) yield parsed.sample
        else onEmpty?.()
      }
    }
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file)
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  // An error of the file does not reach the reader of its unpacked text by itself.
  bytes.on('error', (error) => input.destroy(error))
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (cause) {
    throw new MendlineError('MDL_REPLAY_INVALID', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Creates the device, and the type from the mapping's channels when there is none; gives the device's secret. */
async function create(flags: ReplayFlags, mapping: Mapping): Promise<string> {
  const client = createClient(flags)
  const { device, tenant, type = '' } = flags
  const { items } = (await client.send('GET', `/types?tenant=${tenant}`)) as { items: ReadonlyArray<{ readonly type: string }> }
  if (!items.some((known) => known.type === type)) {
    const channels = mapping.columns.map(({ channel, min, max, description }) => ({ name: channel, min, max, description }))
    await client.send('POST', `/types?tenant=${tenant}`, { type, channels })
    console.error(`registered the type ${type}`)
  }
  const max_age_days = flags.keepTimes === true ? limits.deviceAgeDays_MAX : undefined
  const created = (await client.send('POST', '/devices', { device, tenant, type, max_age_days })) as { secret: string }
  console.error(`created the device ${device}; its secret, shown this once: ${created.secret}`)
  return created.secret
}

interface Publication {
  readonly topic: string
  readonly speed: number
  readonly batch: number
  readonly boot: number
  readonly shiftMs: number
}

/** Sends all samples; resolves when each is acknowledged. */
async function publishAll(publisher: DeviceConnection, samples: AsyncIterable<Sample>, { topic, speed, batch, boot, shiftMs }: Publication) {
  const inFlight = new Set<Promise<void>>()
  let failure: unknown
  const sent = { samples: 0, count: 0 }
  let waiting: object[] = []
  let seq = 0
  let firstMs: number | undefined
  const startedMs = performance.now()
  const send = async (): Promise<void> => {
    const size = waiting.length
    const payload = JSON.stringify(size === 1 ? waiting[0] : waiting)
    waiting = []
    while (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight)
    if (failure !== undefined) throw failure
    const publication = publisher
      .publish(topic, payload)
      .then(() => {
        sent.samples += size
        sent.count++
      })
      .catch((error: unknown) => {
        failure = error
      })
      .finally(() => inFlight.delete(publication))
    inFlight.add(publication)
  }
  for await (const { timeMs, values } of samples) {
    firstMs ??= timeMs
    const dueMs = speed === Number.POSITIVE_INFINITY ? 0 : startedMs + (timeMs - firstMs) / speed - performance.now()
    if (dueMs > 1) await sleep(dueMs)
    waiting.push({ ts: timeMs + shiftMs, boot, seq: seq++, v: values })
    if (waiting.length >= batch) await send()
  }
  if (waiting.length > 0) await send()
  await Promise.all(inFlight)
  if (failure !== undefined) throw failure
  return sent
}
