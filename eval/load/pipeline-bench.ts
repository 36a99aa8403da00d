/**
 * What one message of eight readings costs behind the journal, by stage: a journal is prepared in a folder of its own, then the parts of
 * the pipeline worker read it, decode, remove duplicates, store, and decide and fill windows in device time. The first pass runs the pipeline as it is and
 * gives microseconds of wall and of processor time a message; the second runs the stages one by one and gives their shares. Models are
 * not part of it. Flags: --messages N, --devices N, --snapshots (also the cost of saving the state). The last line is JSON.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { applianceTypes } from '../../catalogue/registry.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createDeduplicator } from '../../ingest/deduplicate.ts'
import { createFileJournal } from '../../ingest/journals/file-journal.ts'
import { createFileJournalReader } from '../../ingest/journals/file-journal-reader.ts'
import { createReadingWriter } from '../../ingest/reading-writer.ts'
import { decodeRecord, encodeRecord } from '../../ingest/record.ts'
import { createDuckdbStore } from '../../ingest/stores/duckdb-store.ts'
import { createSqliteDerived } from '../../ingest/stores/sqlite-derived.ts'
import { epochMs, systemClock } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { Pipeline } from '../../workers/pipeline.ts'
import type { PipelineState } from '../../workers/pipeline-parts.ts'
import { createSnapshotFile } from '../../workers/snapshot-file.ts'
import { eventTimeOver } from '../system/pipeline-parts.ts'

const { values: flags } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    devices: { type: 'string', default: '50' },
    snapshots: { type: 'boolean', default: false },
  },
})
const MESSAGES = Number(flags.messages)
const DEVICES = Number(flags.devices)
/** Messages of one device that follow each other in the journal, as clients with many in flight bring them. */
const RUN = Math.min(25, Math.ceil(MESSAGES / DEVICES))
const START_MS = 1_780_000_000_000
const PERIOD_MS = 10_000

const typeById = (id: string) => applianceTypes.find((type) => type.id === id)
const byId = new Map(applianceTypes.map((type) => [type.id, type]))

const folder = mkdtempSync(join(tmpdir(), 'mendline-pipeline-bench-'))
try {
  const end = await prepareJournal()
  const whole = await wholePipeline(end)
  const stages = await stageByStage(end)
  const sum = Object.values(stages).reduce((total, us) => total + us, 0)
  const state = flags.snapshots ? await stateCost(end) : undefined
  console.log(
    `pipeline: ${whole.wallUs.toFixed(2)} us wall and ${whole.cpuUs.toFixed(2)} us processor a message, ${MESSAGES} messages of ${DEVICES} devices`,
  )
  for (const [stage, us] of Object.entries(stages)) console.log(`  ${stage.padEnd(14)} ${us.toFixed(2).padStart(6)} us`)
  console.log(`  ${'sum'.padEnd(14)} ${sum.toFixed(2).padStart(6)} us`)
  if (state !== undefined)
    console.log(`state: ${state.bytesPerDevice} bytes a device; blocked ${state.blockedMs.toFixed(0)} ms, saved in ${state.savedMs.toFixed(0)} ms`)
  console.log(JSON.stringify({ bench: 'pipeline', messages: MESSAGES, devices: DEVICES, ...whole, stages, ...state }))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Messages as the load generator makes them: eight readings of an air conditioner that wander, about 270 bytes. */
function payload(device: number, seq: number): Buffer {
  const wave = Math.sin((seq + device) / 20)
  const ts = START_MS + seq * PERIOD_MS
  return Buffer.from(
    `{"ts":${ts},"seq":${String(seq).padStart(8)},"boot":1,"fw":"1.4.2","v":{"outdoor_temperature_c":${(31 + wave).toFixed(1)},` +
      `"room_temperature_c":${(25.5 + wave / 4).toFixed(1)},"discharge_temperature_c":${(71.2 + 3 * wave).toFixed(1)},` +
      `"suction_temperature_c":${(11 + wave).toFixed(1)},"compressor_frequency_hz":${Math.round(54 + 8 * wave)},` +
      `"compressor_current_a":${(4.2 + wave / 2).toFixed(2)},"power_w":${Math.round(905 + 60 * wave)},"mains_voltage_v":${(231 + wave).toFixed(1)}}}`,
  )
}

async function prepareJournal(): Promise<number> {
  const journal = createFileJournal({ directory: join(folder, 'journal'), limits, log: silentLog, clock: systemClock })
  await journal.start()
  let appended: Promise<unknown> = Promise.resolve()
  for (let index = 0; index < MESSAGES; index++) {
    const device = Math.floor(index / RUN) % DEVICES
    const seq = Math.floor(index / (RUN * DEVICES)) * RUN + (index % RUN)
    const body = payload(device, seq)
    const received = START_MS + seq * PERIOD_MS + 200
    appended = journal.append(
      encodeRecord({
        tenant: 'home',
        device: `bench-${device}`,
        type: 'air_conditioner',
        kind: 'tele',
        payload: body,
        received_at_ms: epochMs(received),
        maxAgeDays: 30,
      }),
    )
    if (index % 1_000 === 999) await appended
  }
  await appended
  const end = journal.end()
  await journal.stop()
  return end
}

async function partsOf(name: string, end: number) {
  const directory = join(folder, name)
  mkdirSync(directory)
  const store = createDuckdbStore({ file: join(directory, 'readings.duckdb'), log: silentLog, limits })
  await store.start()
  for (const type of applianceTypes) await store.prepareType(type)
  const writer = createReadingWriter({ store, dedup: createDeduplicator(limits), types: typeById, clock: systemClock, log: silentLog, limits })
  const derived = createSqliteDerived({ file: join(directory, 'derived.sqlite') })
  await derived.start()
  const truth = eventTimeOver({ types: (id) => byId.get(id), store, derived })
  return {
    directory,
    store,
    writer,
    truth,
    journal: createFileJournalReader({ directory: join(folder, 'journal'), committedEnd: () => end, limits }),
  }
}

function pipelineOf(parts: Awaited<ReturnType<typeof partsOf>>): Pipeline<ClosedWindow> {
  return new Pipeline<ClosedWindow>({
    ...parts,
    decodeRecord,
    decode: (message) => decodeMessage(message, byId.get(message.type), limits),
    diagnoser: { diagnose: async () => [], amend: async () => [], snapshot: () => null, restore: () => {} },
    snapshots: createSnapshotFile<PipelineState<ClosedWindow>>({ directory: join(parts.directory, 'state'), name: 'pipeline', log: silentLog }),
    emit: async () => {},
    onReleasable: () => {},
    waitForMore: (_, timeoutMs) => new Promise((resolve) => systemClock.after(Math.min(timeoutMs, 5), resolve)),
    wake: () => {},
    clock: systemClock,
    log: silentLog,
    limits,
  })
}

async function wholePipeline(end: number) {
  const parts = await partsOf('whole', end)
  const pipeline = pipelineOf(parts)
  const before = process.cpuUsage()
  const beganMs = performance.now()
  await pipeline.start(0)
  await pipeline.storedUpTo(end, 600_000)
  const wallMs = performance.now() - beganMs
  const { user, system } = process.cpuUsage(before)
  const { stored } = parts.writer.statistics()
  if (stored !== MESSAGES) throw new Error(`${stored} of ${MESSAGES} messages were stored`)
  await pipeline.stop()
  await parts.store.stop()
  return { wallUs: (wallMs * 1e3) / MESSAGES, cpuUs: (user + system) / MESSAGES }
}

async function stageByStage(end: number): Promise<Record<string, number>> {
  const parts = await partsOf('stages', end)
  const spentMs: Record<string, number> = { read: 0, decode_record: 0, decode: 0, take: 0, device_time: 0, flush: 0 }
  let position = 0
  const timed = async <Result>(stage: string, task: () => Result | Promise<Result>): Promise<Result> => {
    const beganMs = performance.now()
    const result = await task()
    spentMs[stage] = (spentMs[stage] ?? 0) + performance.now() - beganMs
    return result
  }
  while (position < end) {
    const { records, next } = await timed('read', () => parts.journal.read(position, limits.pipelineReadBytes))
    const messages = await timed('decode_record', () => [...records].map(({ body }) => decodeRecord(body)))
    const decoded = await timed('decode', () => messages.map((message) => decodeMessage(message, byId.get(message.type), limits)))
    const fresh = await timed('take', async () => {
      const all = []
      for (const [index, content] of decoded.entries()) all.push(...(await parts.writer.take(content, records.at(index)?.next ?? 0)))
      return all
    })
    await timed('device_time', () => {
      for (const reading of fresh) parts.truth.take(reading)
    })
    position = next
    if (parts.writer.pending() >= 20_000) await timed('flush', () => parts.writer.flush(position))
  }
  await timed('flush', () => parts.writer.flush(position))
  await parts.store.stop()
  return Object.fromEntries(Object.entries(spentMs).map(([stage, ms]) => [stage, (ms * 1e3) / MESSAGES]))
}

async function stateCost(end: number): Promise<{ bytesPerDevice: number; blockedMs: number; savedMs: number }> {
  const parts = await partsOf('state', end)
  const pipeline = pipelineOf(parts)
  await pipeline.start(0)
  await pipeline.storedUpTo(end, 600_000)
  await pipeline.stop()
  const { statSync } = await import('node:fs')
  const bytes = statSync(join(parts.directory, 'state', 'pipeline.snapshot')).size
  let blockedMs = 0
  const beganMs = performance.now()
  const state = { truth: parts.truth.snapshot(), writer: parts.writer.snapshot() }
  blockedMs = performance.now() - beganMs
  const snapshots = createSnapshotFile({ directory: join(parts.directory, 'state'), name: 'again', log: silentLog })
  const savingMs = performance.now()
  await snapshots.save({ position: end, state })
  const savedMs = performance.now() - savingMs
  await parts.store.stop()
  return { bytesPerDevice: Math.round(bytes / DEVICES), blockedMs, savedMs }
}
