/**
 * The samples for device makers against the real server. Server and sample are killed without mercy in the middle; started again, every
 * reading that the sample kept is stored exactly once. Commands and settings given by the API are answered. A sample that cannot run here
 * (no paho-mqtt, no gcc) says so in the name of its skipped tests.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, createDevices, freePort, type RawLine, readRaw, startCrashServer } from '../eval/system/crash-server.ts'
import { forgetCompiled, type Sample, type SampleRun, type SampleSettings, samples } from './sample-runs.ts'

const READINGS = 60
let folder = ''
let data: { data: string; mqttPort: number; httpPort: number }
let server: CrashServer
let settings: SampleSettings
const runs: SampleRun[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-samples-'))
  data = { data: join(folder, 'data'), mqttPort: await freePort(), httpPort: await freePort() }
  server = await startCrashServer(data)
  const secret = (await createDevices(data.httpPort, ['sample'])).get('sample') ?? ''
  settings = { mqttPort: data.mqttPort, secret, folder: join(folder, 'state'), readings: READINGS, everyMs: 20 }
})
afterEach(async () => {
  await Promise.all(runs.splice(0).map(kill))
  await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

afterAll(forgetCompiled)

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function start(sample: Sample, changed: Partial<SampleSettings> = {}): SampleRun {
  const run = sample.start({ ...settings, ...changed })
  runs.push(run)
  return run
}

async function kill(run: SampleRun): Promise<void> {
  run.child.kill('SIGKILL')
  await run.ended
}

/** Asks until the answer is as wanted, at most 20 s; gives the last answer. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  let answer = await ask()
  for (let tries = 0; tries < 200 && !isWanted(answer); tries++) {
    await wait(100)
    answer = await ask()
  }
  return answer
}

/** Waits for the sample to end well, and for `count` stored readings. */
async function storedAfter(run: SampleRun, count: number): Promise<RawLine[]> {
  const { code, words } = await run.ended
  expect({ code, words }).toMatchObject({ code: 0 })
  return until(
    () => readRaw(data.httpPort),
    (stored) => stored.length >= count,
  )
}

const seqsOf = (stored: readonly RawLine[], boot: number): number[] =>
  stored
    .filter((line) => line.boot === boot)
    .map(({ seq }) => seq)
    .sort((a, b) => a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** Each (boot, seq) once; the second boot whole, the first without a hole up to the reading that was last measured. */
function expectEachOnce(stored: readonly RawLine[]): void {
  expect(new Set(stored.map(({ boot, seq }) => `${boot}/${seq}`)).size).toBe(stored.length)
  expect(seqsOf(stored, 2)).toEqual(upTo(READINGS))
  const first = seqsOf(stored, 1)
  expect(first.length).toBeGreaterThan(2)
  expect(first).toEqual(upTo(first.length))
  expect(stored.length).toBe(first.length + READINGS)
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${data.httpPort}/api/v1${path}`, {
    method,
    headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

const giveCommand = async (name: string): Promise<string> => {
  // Longer than a small device's buffer, so that it comes in pieces.
  const payload = { note: 'x'.repeat(6_000) }
  return (await call<{ command_id: string }>('POST', '/devices/sample/commands', { name, payload })).command_id
}
const stateOf = async (id: string): Promise<string> => (await call<{ state: string }>('GET', `/commands/${id}`)).state
const isEnded = (state: string): boolean => state === 'done' || state === 'refused'

interface TwinAnswer {
  readonly is_in_sync: boolean
  readonly reported: { readonly settings: unknown; readonly desired_version: number } | null
}

describe.each(samples)('sample in $name', (sample) => {
  const { missing } = sample
  const note = missing === undefined ? '' : ` (skipped: ${missing} is missing)`
  beforeAll(() => {
    if (missing === undefined) sample.prepare()
  })

  it.skipIf(missing !== undefined)(
    `has every reading stored once over a kill of the server and of itself${note}`,
    async () => {
      const first = start(sample)
      await until(
        () => readRaw(data.httpPort),
        (stored) => stored.length > 2,
      )
      await server.kill()
      await wait(300)
      await kill(first)
      const second = start(sample)
      await wait(300)
      server = await startCrashServer(data)
      expectEachOnce(await storedAfter(second, READINGS + 3))
    },
    60_000,
  )

  it.skipIf(missing !== undefined)(
    `answers commands and reports settings, also those given while it was away${note}`,
    async () => {
      const early = await giveCommand('identify')
      await call('PUT', '/devices/sample/desired', { desired: { is_on: true, set_point_temperature_c: 21 } })
      const run = start(sample, { readings: 5_000 })
      expect(await until(() => stateOf(early), isEnded)).toBe('done')
      const inSync = (version: number) =>
        until(
          () => call<TwinAnswer>('GET', '/devices/sample/twin'),
          (twin) => twin.is_in_sync && twin.reported?.desired_version === version,
        )
      expect(await inSync(1)).toMatchObject({ is_in_sync: true, reported: { settings: { set_point_temperature_c: 21 }, desired_version: 1 } })
      await call('PATCH', '/devices/sample/desired', { desired: { set_point_temperature_c: 24.5 } })
      expect(await inSync(2)).toMatchObject({ is_in_sync: true, reported: { settings: { set_point_temperature_c: 24.5 }, desired_version: 2 } })
      const [safe, strange] = [await giveCommand('safe_state'), await giveCommand('make_coffee')]
      expect(await until(() => stateOf(safe), isEnded)).toBe('done')
      expect(await until(() => stateOf(strange), isEnded)).toBe('refused')
      expect(await call('GET', '/quarantine')).toMatchObject({ items: [] })
      await kill(run)
    },
    60_000,
  )
})

const inC = samples.find(({ name }) => name.startsWith('C'))
describe.skipIf(inC === undefined || inC.missing !== undefined)('sample in C alone (skipped without gcc)', () => {
  const c = inC ?? samples[0]
  if (c === undefined) return
  beforeAll(() => c.prepare())

  it('gives readings from before the clock was set their time afterwards, also those of an earlier start', async () => {
    const startedMs = Date.now()
    const first = start(c, { env: { HOST_SNTP_AFTER_MS: '-1' } })
    await wait(500)
    expect(await readRaw(data.httpPort)).toEqual([])
    await kill(first)
    const stored = await storedAfter(start(c, { env: { HOST_SNTP_AFTER_MS: '400' } }), READINGS + 3)
    expectEachOnce(stored)
    const times = [...stored].sort((a, b) => a.boot - b.boot || a.seq - b.seq).map(({ observed_at_ms }) => observed_at_ms)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    // The first start is taken to have ended when the second one began, so its times may lie late by the pause between them.
    expect(times[0]).toBeGreaterThanOrEqual(startedMs - 1)
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now())
  }, 60_000)

  it('drops the oldest readings when its flash is full, counts them, and keeps the rest', async () => {
    await server.kill()
    const run = start(c, { readings: 300, everyMs: 2, env: { HOST_READINGS_KIB: '8' } })
    await wait(1_500)
    server = await startCrashServer(data)
    const { words } = await run.ended
    const dropped = Number(/"dropped":(\d+)/.exec(words)?.[1])
    expect(dropped).toBeGreaterThanOrEqual(300 - 128)
    const stored = await storedAfter(run, 300 - dropped)
    expect(seqsOf(stored, 1)).toEqual(upTo(300).slice(dropped))
  }, 60_000)

  it('loses no more than the one reading that a power cut tore', async () => {
    await server.kill()
    const first = start(c)
    await wait(600)
    await kill(first)
    const flash = join(settings.folder, 'readings.flash')
    const whole = readFileSync(flash)
    const written = Math.ceil(whole.indexOf(Buffer.alloc(64, 0xff)) / 64)
    expect(written).toBeGreaterThan(3)
    whole.fill(0xff, written * 64 - 50, written * 64)
    writeFileSync(flash, whole)
    server = await startCrashServer(data)
    const stored = await storedAfter(start(c), written - 1 + READINGS)
    expectEachOnce(stored)
    expect(seqsOf(stored, 1)).toEqual(upTo(written - 1))
  }, 60_000)
})
