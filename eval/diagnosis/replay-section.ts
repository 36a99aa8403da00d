/**
 * The same weeks of a street, delivered in order, shuffled, late, doubled and out of order by minutes: how many alarms and standing
 * diagnoses differ in the end. Each way runs through the platform's own pipeline; beside it what differs when readings simply count as they
 * come (last-received semantics).
 */
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { classesOf } from '../../models/training/training-set.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { type DerivedOutput, deriveAll } from '../../workers/derivation.ts'
import type { EvalSection } from '../evaluation/table.ts'
import { SECOND_CITIES, SECOND_SEEDS } from '../second-plant/evaluation.ts'
import { secondPlantModels } from '../second-plant/registry.ts'
import { diagnoserOf, runPipeline } from './pipeline-run.ts'
import { type JudgedType, withModel } from './section.ts'

const MIN_MS = 60_000
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2025, 6, 1)
const types = (id: string) => (id === type.id ? type : undefined)

interface Sent {
  readonly device: string
  readonly atMs: number
  readonly payload: string
}
type Delivery = Sent & { readonly receivedMs: number }

export const replaySection: EvalSection = {
  id: 'replay-order',
  run: ({ isQuick }) => withModel(type, async (model) => [await makeTable(model, isQuick ? { units: 2, days: 16 } : { units: 5, days: 30 })]),
}

async function makeTable(model: JudgedType, size: { units: number; days: number }) {
  const sent = streetOf(size)
  const endMs = START_MS + size.days * DAY_MS
  const ways = waysOf(sent, endMs)
  const expected = await byPipeline(model, ways['in order'] ?? [], endMs)
  const naive = await byReceipt(model, ways['in order'] ?? [])
  const rows = []
  for (const [name, deliveries] of Object.entries(ways)) {
    if (name === 'in order') continue
    const given = await byPipeline(model, deliveries, endMs)
    const naively = await byReceipt(model, deliveries)
    rows.push({
      measure: `${name}: differing alarms and diagnoses`,
      value: differences(expected, given),
      baselines: [{ name: 'last-received', value: differences(naive, naively) }],
      goal: { max: 0 },
      note: `of ${expected.size}`,
    })
  }
  return {
    id: 'replay-order',
    title: 'The same readings in another order',
    data: 'simulated' as const,
    command: 'npm run eval -- --only replay-order',
    rows,
    notes: [
      `${size.units} air conditioners of the second plant over ${size.days} days, ${sent.length} readings. Compared are all alarms with their times and, for each unit, the diagnosis that stands in the end.`,
    ],
  }
}

/** Deliveries of every way, in order of receipt. */
function waysOf(sent: readonly Sent[], endMs: number): Record<string, Delivery[]> {
  const inOrder = sent.map((entry) => ({ ...entry, receivedMs: entry.atMs + 300 }))
  const sorted = (deliveries: Delivery[]): Delivery[] => deliveries.sort((a, b) => a.receivedMs - b.receivedMs)
  const random = createRandom('ways')
  const isLate = (device: string): boolean => Number(device.slice(-1)) % 2 === 0
  return {
    'in order': inOrder,
    'shuffled by up to an hour': sorted(sent.map((entry) => ({ ...entry, receivedMs: entry.atMs + Math.floor(random.uniform() * 60 * MIN_MS) }))),
    'half of the units late by a week': sorted(
      inOrder.map((entry) =>
        isLate(entry.device) && entry.atMs > endMs - 10 * DAY_MS ? { ...entry, receivedMs: entry.receivedMs + 7 * DAY_MS } : entry,
      ),
    ),
    'a tenth late by days': sorted(
      inOrder.map((entry) => (random.chance(0.1) ? { ...entry, receivedMs: entry.receivedMs + Math.floor(random.between(1, 4) * DAY_MS) } : entry)),
    ),
    doubled: sorted(inOrder.flatMap((entry) => [entry, { ...entry, receivedMs: entry.receivedMs + Math.floor(random.uniform() * 6 * 60 * MIN_MS) }])),
  }
}

function streetOf({ units, days }: { units: number; days: number }): Sent[] {
  const fleet = createFleet({
    type,
    units,
    seed: SECOND_SEEDS[0],
    startMs: START_MS,
    faultShare: 0.8,
    faults: classesOf(type).slice(1),
    samplePeriodMs: 10 * MIN_MS,
    tenant: 'home',
    growthScale: 0.4,
    onsetSpanMs: 0.4 * days * DAY_MS,
    plants: secondPlantModels,
    cities: SECOND_CITIES,
  })
  return [...fleet.step(START_MS + days * DAY_MS - 1)].map(({ device, atMs, payload }) => ({ device, atMs, payload }))
}

/** Alarms and standing diagnoses by the platform's pipeline. */
async function byPipeline(model: JudgedType, deliveries: readonly Delivery[], endMs: number): Promise<Set<string>> {
  const { told, alarms } = await runPipeline(model, deliveries, endMs)
  return withStanding(
    new Set(alarms.map((row) => JSON.stringify(row))),
    told.flatMap((event) => (event.kind === 'diagnosis_made' ? [event.diagnosis] : [])),
  )
}

/** The same by folding each reading as it comes. */
async function byReceipt(model: JudgedType, deliveries: readonly Delivery[]): Promise<Set<string>> {
  const derivation = deriveAll(types)
  const output: DerivedOutput<ClosedWindow> = { changes: [], windows: [], alarms: [] }
  for (const { device, receivedMs, payload } of deliveries) {
    const message = {
      tenant: 'home',
      device,
      type: type.id,
      kind: 'tele' as const,
      payload: Buffer.from(payload),
      received_at_ms: epochMs(receivedMs),
      maxAgeDays: 90,
    }
    const readings: readonly Reading[] = decodeMessage(message, type, limits).readings
    for (const reading of readings) derivation.observe(reading, output)
  }
  const found = new Set(
    output.alarms.map(({ kind, alarm }) => JSON.stringify([kind, alarm.device, alarm.rule, alarm.began_at_ms, alarm.cleared_at_ms])),
  )
  return withStanding(found, await diagnoserOf(model).diagnose(output.windows))
}

/** Adds for each device the last answer told. */
function withStanding(found: Set<string>, diagnoses: readonly Diagnosis[]): Set<string> {
  const standing = new Map(
    diagnoses.filter(({ answer }) => answer !== 'not_enough_data').map(({ device, answer, fault }) => [device, `${device} ${answer} ${fault}`]),
  )
  for (const [device, text] of standing) if (!text.startsWith(`${device} no_fault`)) found.add(text)
  return found
}

const differences = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  [...a].filter((entry) => !b.has(entry)).length + [...b].filter((entry) => !a.has(entry)).length
