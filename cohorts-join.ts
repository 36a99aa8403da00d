/**
 * Watches cohorts of each tenant: every hour it takes the registry of devices, the firmware that they were heard with and the first faults of
 * units, folds them day by day, keeps which cohorts reached the threshold, and tells each once. The fold lets other work in after each day,
 * and starts from the beginning each time, so that late diagnoses count on the day on which they were true.
 */
import { setImmediate } from 'node:timers/promises'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock, EpochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { CohortPort, CohortRecord } from './api/cohort-ports.ts'
import type { DeviceRecord, DeviceRegistry } from './broker/device-registry.ts'
import type { CohortBook } from './hubs/cohort-book.ts'
import { type CohortStanding, type CohortUnit, foldCohorts } from './models/cohorts.ts'
import { repeatLook } from './repeated-look.ts'
import { askBoards } from './workers/board-queries.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'

export interface Cohorts extends CohortPort {
  start(): void
  /** Ends behind the day in hand. */
  stop(): Promise<void>
  /** Folds now; gives the cohorts that were flagged for the first time. */
  look(): Promise<readonly CohortRecord[]>
  statistics(): Readonly<Record<string, number>>
}

export interface CohortParts {
  readonly book: CohortBook
  readonly registry: Pick<DeviceRegistry, 'list'>
  readonly pipeline: Pick<PipelineHost, 'call'>
  readonly types: { readonly find: (tenant: string, name: string) => ApplianceType | undefined }
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'cohortLookMs'>
}

const DAY_MS = 86_400_000
const DEVICES_MAX = 1_000_000
/** Days of a fleet that are folded; what lies before does not count. */
const DAYS_MAX = 1_096
/** Cohorts of a tenant that may be flagged by chance in a quarter, all together. */
const FLAGS_PER_QUARTER = 1

export function createCohorts(parts: CohortParts): Cohorts {
  const { registry, clock, log, limits } = parts
  const known = new Map<string, readonly CohortRecord[]>()
  const look = async (isStopped: () => boolean): Promise<readonly CohortRecord[]> => {
    const records = Map.groupBy(registry.list({ limit: DEVICES_MAX }), ({ tenant }) => tenant)
    const flagged: CohortRecord[] = []
    for (const [tenant, devices] of records) {
      if (isStopped()) break
      const found = await lookAt(parts, { tenant, devices, isStopped })
      if (found === undefined) break
      known.set(tenant, found.records)
      flagged.push(...found.isNew)
    }
    return flagged
  }
  const looks = repeatLook({ look, everyMs: limits.cohortLookMs, failure: 'cohorts could not be looked at, they will be again', clock, log })

  return {
    ...looks,
    async list(tenant) {
      if (!known.has(tenant) && registry.list({ tenant, limit: 1 }).length > 0) await looks.look()
      return known.get(tenant) ?? []
    },
    statistics() {
      const all = [...known.values()].flat()
      return { flagged_count: all.filter(({ state }) => state === 'flagged').length, watched_count: all.length }
    },
  }
}

interface Looked {
  readonly records: readonly CohortRecord[]
  readonly isNew: readonly CohortRecord[]
}

/** Undefined when it was stopped meanwhile. */
async function lookAt(
  parts: CohortParts,
  { tenant, devices, isStopped }: { readonly tenant: string; readonly devices: readonly DeviceRecord[]; readonly isStopped: () => boolean },
): Promise<Looked | undefined> {
  const { book, types, clock, log } = parts
  const nowMs = clock.now()
  const units = await unitsOf(parts, tenant, devices)
  const from_ms = Math.max(nowMs - DAYS_MAX * DAY_MS, Math.min(...units.map((unit) => unit.from_ms)))
  const fold = foldCohorts(units, await book.firstFaults(tenant), {
    types: (type) => types.find(tenant, type),
    ...{ from_ms, to_ms: nowMs, flagsPerQuarter: FLAGS_PER_QUARTER },
  })
  let step = fold.next()
  for (; step.done !== true; step = fold.next()) {
    await setImmediate()
    if (isStopped()) return undefined
  }
  const told = await book.flags(tenant)
  const isNew: CohortStanding[] = []
  for (const standing of step.value) {
    const { type, scope, cohort, fault, flagged_at_ms: flaggedMs } = standing
    if (flaggedMs === null) continue
    const key = { tenant, type, scope, cohort, fault }
    // Told first and noted after: an alarm that was told twice has the same key, one that was never told would be lost.
    if (told.has(`${type}/${scope}/${cohort}/${fault}`)) continue
    await parts.apply([alarmOf(tenant, standing, flaggedMs)])
    await book.flag(key, { flaggedMs, nowMs })
    log.warn('a cohort fails more often than the rest of the fleet', { ...key, events: standing.events, expected: standing.expected })
    isNew.push(standing)
  }
  const flags = await book.flags(tenant)
  const toRecord = (standing: CohortStanding): CohortRecord => {
    const { type, scope, cohort, fault, events, expected } = standing
    const flaggedMs = flags.get(`${type}/${scope}/${cohort}/${fault}`) ?? standing.flagged_at_ms
    const fault_name = types.find(tenant, type)?.faults.find(({ code }) => code === fault)?.name.en ?? fault
    const state = flaggedMs === null ? 'watched' : 'flagged'
    return { ...standing, fault_name, state, rate_ratio: expected > 0 ? events / expected : null, flagged_at_ms: flaggedMs }
  }
  const records = step.value
    .map(toRecord)
    .sort((a, b) => Number(a.state === 'watched') - Number(b.state === 'watched') || b.evidence_ratio - a.evidence_ratio)
  return { records, isNew: isNew.map(toRecord) }
}

/** Units of the registry with the firmware that they ran; a version that was heard for the first time is noted. */
async function unitsOf({ book, pipeline, clock }: CohortParts, tenant: string, devices: readonly DeviceRecord[]): Promise<CohortUnit[]> {
  const [heard, versions] = await Promise.all([askBoards(pipeline).heard(tenant), book.firmware(tenant)])
  const nowMs = clock.now()
  const news = devices.flatMap(({ device, firmware, created_at_ms }) => {
    const list = versions.get(device) ?? []
    const first = list.length === 0 && firmware !== null ? [{ tenant, device, since_ms: created_at_ms, firmware }] : []
    const runs = heard.get(device)?.firmware
    const last = list.at(-1)?.version ?? firmware
    return runs === undefined || runs === last ? first : [...first, { tenant, device, since_ms: nowMs, firmware: runs }]
  })
  await book.noteFirmware(news)
  const added = Map.groupBy(news, ({ device }) => device)
  return devices.map(({ device, type, batch, created_at_ms, installed_at_ms, revoked_at_ms }) => ({
    ...{ device, type, batch, born_ms: installed_at_ms ?? created_at_ms, from_ms: created_at_ms, to_ms: revoked_at_ms ?? undefined },
    firmware: [
      ...(versions.get(device) ?? []),
      ...(added.get(device) ?? []).map(({ since_ms, firmware }) => ({ from_ms: since_ms, version: firmware })),
    ],
  }))
}

function alarmOf(tenant: string, standing: CohortStanding, flaggedMs: number): HubEvent {
  const { type, scope, cohort, fault, units, events, expected } = standing
  return {
    kind: 'system_alarm',
    key: `system_alarm:cohort:${tenant}:${type}:${scope}:${cohort}:${fault}`,
    tenant,
    at_ms: flaggedMs as EpochMs,
    subject: 'cohort',
    detail: { type, scope, cohort, fault, units, events, expected: Number(expected.toFixed(2)) },
  }
}
