/**
 * Joins what boards show: the registry of devices, the last answers and standing alarms of the hubs, and what the pipeline's worker knows
 * of each unit. How units stand is worked out for all panels of a board together and kept for some seconds.
 */
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import { type BoardPort, type BoardUnit, UNIT_STATES } from './api/board-ports.ts'
import type { DeviceRecord, DeviceRegistry } from './broker/device-registry.ts'
import type { HubBoards, UnitStanding } from './hubs/boards.ts'
import { askBoards } from './workers/board-queries.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'

interface BoardParts {
  readonly hubBoards: HubBoards
  readonly registry: Pick<DeviceRegistry, 'get' | 'list'>
  readonly pipeline: Pick<PipelineHost, 'call' | 'statistics'>
  readonly types: { readonly find: (tenant: string, name: string) => ApplianceType | undefined }
  readonly journal: { end(): number }
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly limits: Pick<Limits, 'deviceSilentMs'>
}

/** Panels of one refresh share an answer; more tenants than this push out the oldest. */
const KEPT_MS = 5_000
const TENANTS_MAX = 64
const DEVICES_MAX = 1_000_000

interface Kept {
  readonly atMs: number
  readonly units: Promise<readonly BoardUnit[]>
}

export function joinBoards(parts: BoardParts): BoardPort {
  const { hubBoards: hubs, registry, pipeline, journal, clock } = parts
  const worker = askBoards(pipeline)
  const kept = new Map<string, Kept>()

  const unitsOf = async (tenant: string): Promise<readonly BoardUnit[]> => {
    const [standings, heard] = await Promise.all([hubs.standings(tenant), worker.heard(tenant)])
    const byDevice = new Map(standings.map((standing) => [standing.device, standing]))
    const faults = faultFinder(parts.types, tenant)
    const given = { nowMs: clock.now(), silentMs: parts.limits.deviceSilentMs, faults }
    return registry
      .list({ tenant, limit: DEVICES_MAX })
      .filter(({ revoked_at_ms }) => revoked_at_ms === null)
      .map((record) => toUnit(record, { ...given, standing: byDevice.get(record.device), heardMs: heard.get(record.device)?.received_ms }))
      .sort(byGravity)
  }

  return {
    units(tenant) {
      const nowMs = clock.monotonicMs()
      const known = kept.get(tenant)
      if (known !== undefined && nowMs - known.atMs < KEPT_MS) return known.units
      const units = unitsOf(tenant)
      kept.delete(tenant)
      kept.set(tenant, { atMs: nowMs, units })
      units.catch(() => kept.delete(tenant))
      const [oldest] = kept.keys()
      if (kept.size > TENANTS_MAX && oldest !== undefined) kept.delete(oldest)
      return units
    },
    alarmCounts: hubs.alarmCounts,
    faultCounts: hubs.faultCounts,
    diagnosesIn: hubs.diagnosesIn,
    alarmsOf: hubs.alarmsOf,
    async residuals(query) {
      const type = registry.get(query.tenant, query.device)?.type
      return type === undefined ? [] : worker.residuals({ ...query, type })
    },
    async ingestLag() {
      const { storedPosition, storedReceivedMs } = (await pipeline.statistics()).pipeline
      const lagBytes = journal.end() - storedPosition
      return { lag_ms: lagBytes > 0 && storedReceivedMs > 0 ? Math.max(0, clock.now() - storedReceivedMs) : 0, lag_bytes: lagBytes }
    },
  }
}

type FaultFinder = (type: string, code: string) => Fault | undefined

function faultFinder(types: BoardParts['types'], tenant: string): FaultFinder {
  const known = new Map<string, ReadonlyMap<string, Fault>>()
  return (type, code) => {
    const faults = known.get(type) ?? new Map((types.find(tenant, type)?.faults ?? []).map((fault) => [fault.code, fault]))
    known.set(type, faults)
    return faults.get(code)
  }
}

interface Given {
  readonly standing: UnitStanding | undefined
  readonly heardMs: number | undefined
  readonly nowMs: number
  readonly silentMs: number
  readonly faults: FaultFinder
}

function toUnit(record: DeviceRecord, { standing, heardMs, nowMs, silentMs, faults }: Given): BoardUnit {
  const { device, type, model, firmware, batch, household } = record
  const fault = standing?.fault === null || standing?.fault === undefined ? undefined : faults(type, standing.fault)
  const [state, sinceMs] = stateOf(standing, { heardMs, nowMs, silentMs })
  return {
    ...{ device, type, model, firmware, batch, household, state },
    safety_class: standing?.alarm_class ?? fault?.safetyClass ?? null,
    fault: standing?.fault ?? null,
    fault_name: standing?.answer === 'unknown_fault' ? 'Unknown fault' : (fault?.name.en ?? standing?.fault ?? null),
    alarms: standing?.alarms ?? 0,
    since_ms: sinceMs,
    heard_at_ms: heardMs ?? null,
  }
}

function stateOf(
  standing: UnitStanding | undefined,
  { heardMs, nowMs, silentMs }: Pick<Given, 'heardMs' | 'nowMs' | 'silentMs'>,
): readonly [BoardUnit['state'], number | null] {
  const { alarm_class: alarmClass = null, alarmed_at_ms: alarmedMs = null, answer = null, answered_at_ms: answeredMs = null } = standing ?? {}
  if (alarmClass === 'E0' || alarmClass === 'E1') return ['danger', alarmedMs]
  if (answer === 'fault' || answer === 'unknown_fault') return ['fault', answeredMs]
  if (alarmClass !== null) return ['alarm', alarmedMs]
  if (heardMs === undefined) return ['never_heard', null]
  if (nowMs - heardMs > silentMs) return ['silent', heardMs]
  return answer === 'not_enough_data' ? ['not_enough_data', answeredMs] : ['ok', answeredMs]
}

/** Gravest state, then class, then what has stood longest. */
function byGravity(a: BoardUnit, b: BoardUnit): number {
  const rank = ({ state }: BoardUnit): number => UNIT_STATES.indexOf(state)
  const text = (first: string, second: string): number => (first < second ? -1 : Number(first > second))
  return (
    rank(a) - rank(b) ||
    text(a.safety_class ?? 'E9', b.safety_class ?? 'E9') ||
    (a.since_ms ?? Number.MAX_SAFE_INTEGER) - (b.since_ms ?? Number.MAX_SAFE_INTEGER) ||
    text(a.device, b.device)
  )
}
