/**
 * Joins remaining life: age and repairs from the registry and the hubs, usage from the last month's windows, the standing diagnosis, and
 * lives of the catalogue that the site's own failures refine (kept for an hour). Beside it stands the port of cohorts, whose records it shares.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import type { RemainingLife, RemainingLifePort } from './api/life-ports.ts'
import type { TruthPort } from './api/truth-ports.ts'
import type { DeviceRecord, DeviceRegistry } from './broker/device-registry.ts'
import type { CohortBook } from './hubs/cohort-book.ts'
import { createLifeBook, type LifeBook } from './hubs/life-book.ts'
import { type FaultLaw, type LifeInputs, learnLaw, outlookOf, type PartOutlook, type Usage, YOUNG_SHARE } from './models/remaining-life.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { askTruth } from './workers/truth-queries.ts'

interface LifeParts {
  readonly lifeBook: LifeBook
  readonly cohortBook: Pick<CohortBook, 'firstFaults'>
  readonly registry: Pick<DeviceRegistry, 'get' | 'list'>
  readonly types: { readonly find: (tenant: string, name: string) => ApplianceType | undefined }
  readonly truth: Pick<TruthPort, 'rows'>
  readonly clock: Pick<Clock, 'now'>
}

const DAY_MS = 86_400_000
const YEAR_MS = 365.25 * DAY_MS
const LAWS_KEPT_MS = 3_600_000
const LAWS_MAX = 256
const DEVICES_MAX = 100_000
const USAGE_DAYS = 30
const USAGE_WINDOWS_MAX = 1_000
/** Windows that usage is read from at least. */
const USAGE_WINDOWS_MIN = 8
const METHOD =
  'Weibull hazards with covariates, age of parts by renewal, standing diagnosis as a second Weibull from its telling; 90 % intervals by the delta method over a normal posterior'

export function createRemainingLife(parts: LifeParts): RemainingLifePort {
  const { registry, types, clock, lifeBook } = parts
  const kept = new Map<string, { readonly atMs: number; readonly laws: Promise<ReadonlyMap<string, FaultLaw>> }>()
  const lawsOf = (tenant: string, type: ApplianceType): Promise<ReadonlyMap<string, FaultLaw>> => {
    const key = `${tenant}/${type.id}`
    const known = kept.get(key)
    if (known !== undefined && clock.now() - known.atMs < LAWS_KEPT_MS) return known.laws
    const laws = learn(parts, tenant, type)
    kept.delete(key)
    kept.set(key, { atMs: clock.now(), laws })
    laws.catch(() => kept.delete(key))
    const [oldest] = kept.keys()
    if (kept.size > LAWS_MAX && oldest !== undefined) kept.delete(oldest)
    return laws
  }
  return {
    async outlook(tenant, device, given) {
      const record = registry.get(tenant, device)
      const type = record === undefined ? undefined : types.find(tenant, record.type)
      if (record === undefined || type === undefined || type.faults.every(({ life }) => life === undefined)) return undefined
      const nowMs = clock.now()
      const [laws, diagnosis, repairs, measured] = await Promise.all([
        lawsOf(tenant, type),
        lifeBook.lastDiagnosis(tenant, device),
        lifeBook.repairs(tenant, device),
        usageOf(parts, { tenant, device, nowMs }),
      ])
      const usage: Usage = { ...measured, ...given }
      // What was repaired since it was told does not stand any more.
      const isStanding = diagnosis?.answer === 'fault' && (repairs.get(diagnosis.fault ?? '') ?? 0) < diagnosis.made_at_ms
      const inputs: LifeInputs = {
        unitAgeYears: record.installed_at_ms === null ? undefined : Math.max(0, nowMs - record.installed_at_ms) / YEAR_MS,
        watchedYears: Math.max(0, nowMs - record.created_at_ms) / YEAR_MS,
        renewedYears: new Map([...repairs].map(([fault, atMs]) => [fault, Math.max(0, nowMs - atMs) / YEAR_MS])),
        usage,
        diagnosis: isStanding ? { record: diagnosis, sinceDays: Math.max(0, nowMs - diagnosis.made_at_ms) / DAY_MS } : undefined,
      }
      return {
        ...{ device, type: type.id, at_ms: nowMs, age_years: inputs.unitAgeYears ?? null, usage: usage as Record<string, number>, method: METHOD },
        diagnosis_id: isStanding ? diagnosis.diagnosis_id : null,
        faults: outlookOf(type, inputs, laws).map((outlook) => toWire(type, outlook)),
      }
    },
  }
}

function toWire(type: ApplianceType, outlook: PartOutlook): RemainingLife['faults'][number] {
  const fault = type.faults.find(({ code }) => code === outlook.fault)
  return {
    fault: outlook.fault,
    fault_name: fault?.name.en ?? outlook.fault,
    parts: (fault?.parts ?? []).map(({ part }) => part),
    hazard_per_year: outlook.hazardPerYear,
    failure_30d_probability: outlook.failure30dProbability,
    failure_90d_probability: outlook.failure90dProbability,
    remaining_life_days: outlook.medianDays ?? null,
    begun_probability: outlook.begunProbability,
    site_failures: outlook.siteFailures,
    usage_known: [...outlook.known],
    usage_unknown: [...outlook.unknown],
  }
}

/** Lives of the site: from the registration until the first time that the fault was told, or until now. */
async function learn({ cohortBook, registry, clock }: LifeParts, tenant: string, type: ApplianceType): Promise<ReadonlyMap<string, FaultLaw>> {
  const first = new Map((await cohortBook.firstFaults(tenant)).map(({ device, fault, at_ms }) => [`${device}/${fault}`, at_ms]))
  const units = registry.list({ tenant, limit: DEVICES_MAX }).filter((record) => record.type === type.id && record.installed_at_ms !== null)
  const ageAt = ({ installed_at_ms }: DeviceRecord, atMs: number): number => Math.max(0, atMs - (installed_at_ms ?? atMs)) / YEAR_MS
  return new Map(
    type.faults.flatMap(({ code, life }) => {
      if (life === undefined) return []
      const young = units.filter((unit) => ageAt(unit, unit.created_at_ms) < YOUNG_SHARE * life.scaleYears)
      const lives = young.map((unit) => {
        const failedMs = first.get(`${unit.device}/${code}`)
        const endMs = failedMs ?? unit.revoked_at_ms ?? clock.now()
        return { entry: ageAt(unit, unit.created_at_ms), exit: ageAt(unit, endMs), hasFailed: failedMs !== undefined, x: [] }
      })
      return [
        [
          code,
          learnLaw(
            life,
            lives.filter(({ entry, exit }) => exit > entry),
          ),
        ] as const,
      ]
    }),
  )
}

/** Hours of running a day over the last month; empty where too few windows say. */
async function usageOf({ truth }: LifeParts, { tenant, device, nowMs }: { tenant: string; device: string; nowMs: number }): Promise<Usage> {
  const rows = await truth.rows({ tenant, device, kind: 'window', from_ms: nowMs - USAGE_DAYS * DAY_MS, to_ms: nowMs, limit: USAGE_WINDOWS_MAX })
  const total = (name: 'readings' | 'running'): number => rows.reduce((sum, { data }) => sum + Number(data[name] ?? 0), 0)
  const readings = total('readings')
  if (rows.length < USAGE_WINDOWS_MIN || readings === 0) return {}
  return { running_h_per_day: (24 * total('running')) / readings }
}

interface FleetParts<Cohorts> extends Omit<LifeParts, 'lifeBook' | 'truth' | 'clock'> {
  readonly operations: { readonly database: unknown }
  readonly pipeline: PipelineHost
  readonly cohorts: Cohorts
}

/** The ports of the API that look at a fleet over time. */
export function fleetPorts<Cohorts>(
  parts: FleetParts<Cohorts>,
  clock: Clock,
): { readonly cohorts: Cohorts; readonly remainingLife: RemainingLifePort } {
  const lifeBook = createLifeBook(parts.operations.database as Parameters<typeof createLifeBook>[0])
  return { cohorts: parts.cohorts, remainingLife: createRemainingLife({ ...parts, lifeBook, truth: askTruth(parts.pipeline), clock }) }
}
