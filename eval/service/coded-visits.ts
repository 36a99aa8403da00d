/**
 * A quarter of visits to units that no training saw: each fault is repaired when the household would notice it and coded by an engineer, a share of
 * the codes wrongly. What the label of each visit is worth is said by the very functions that
 * the hubs call, from the committed model's diagnosis before the visit, the parts used, and the residuals behind it. Every repair holds here.
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { MeasuredWindow } from '#kernel/measured-residuals.ts'
import { createRandom } from '#kernel/random.ts'
import { assessRepair } from '../../hubs/verify/assess-repair.ts'
import { believeLabel, type LabelBelief, type LabelFacts } from '../../hubs/verify/label-confidence.ts'
import { causeProbabilities } from '../../hubs/verify/recovered-cause.ts'
import { boundsOf, standardVerifyPolicy } from '../../hubs/verify/verify-policy.ts'
import { createDiagnoser } from '../../models/diagnose.ts'
import { residualsOf } from '../../models/evidence.ts'
import { classesOf } from '../../models/training/training-set.ts'
import { type ClosedWindow, createWindows } from '../../models/windows.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { type FaultTruth, severityAt } from '../../simulators/fleet-faults.ts'
import { NOTICED_SEVERITY } from '../diagnosis/alerts.ts'
import type { JudgedType } from '../diagnosis/section.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 5, 1)
/** Faults of the field grow for months; here as fast as in training, so that a quarter has visits. */
const GROWTH_SCALE = 0.6
/** Engineers who come in turn. */
const ENGINEERS = 8
/** A diagnosis older than this is not of the visit. */
const DIAGNOSED_MS_MAX = 30 * DAY_MS

export interface QuarterPlan {
  readonly seed: string
  readonly units: number
  readonly days: number
  readonly wrongShare: number
}

/** A visit with the diagnosis that led the engineer there, and its label. */
export interface CodedVisit {
  readonly device: string
  readonly fault: string
  readonly code: string
  /** Of the diagnosis: what the label speaks of. */
  readonly from_ms: number
  readonly to_ms: number
  readonly belief: LabelBelief
}

export interface Quarter {
  readonly devices: readonly string[]
  readonly windows: ReadonlyMap<string, readonly ClosedWindow[]>
  readonly visits: readonly CodedVisit[]
  /** Devices of which the model told a fault at any time. */
  readonly doubtful: ReadonlySet<string>
  /** Visits in all; those without a diagnosis before them have no windows to label. */
  readonly visitCount: number
}

/** Lives the quarter. Costs about 15 us a reading. */
export async function liveQuarter(model: JudgedType, plan: QuarterPlan): Promise<Quarter> {
  const { windows, repaired } = simulate(model.type, plan)
  const told = new Map<string, Diagnosis[]>()
  const measured = new Map<string, MeasuredWindow[]>()
  for (const [device, own] of windows) {
    told.set(device, await diagnoserOf(model).diagnose(own))
    // Only what lies behind a repair is looked at.
    if (repaired.some((one) => one.device === device)) measured.set(device, await measure(model, own))
  }
  const isFault = ({ answer }: Diagnosis): boolean => answer === 'fault' || answer === 'unknown_fault'
  return {
    devices: [...windows.keys()],
    windows,
    visits: codeVisits(model.type, plan, { repaired, told, measured }),
    doubtful: new Set([...told].filter(([, own]) => own.some(isFault)).map(([device]) => device)),
    visitCount: repaired.length,
  }
}

interface Repaired {
  readonly device: string
  readonly fault: string
  readonly atMs: number
}

function simulate(type: ApplianceType, { seed, units, days }: QuarterPlan): { windows: Map<string, ClosedWindow[]>; repaired: Repaired[] } {
  const classes = classesOf(type).slice(1)
  const fleet = createFleet({
    ...{ type, units, seed: `${seed}/${type.id}`, startMs: START_MS, faultShare: 0.8, samplePeriodMs: 600_000, tenant: 'home' },
    ...{ growthScale: GROWTH_SCALE, onsetSpanMs: days * 0.6 * DAY_MS, faults: classes },
  })
  const folding = createWindows({ types: () => type })
  const layout = readingLayout(type)
  const columns = type.channels.map((channel) => layout.indexOf.get(channel.name) ?? -1)
  const windows = new Map<string, ClosedWindow[]>(fleet.devices.map((device) => [device, []]))
  const keep = (closed: readonly ClosedWindow[]): void => {
    for (const window of closed) windows.get(window.device)?.push(window)
  }
  const repaired: Repaired[] = []
  for (let day = 1; day <= days; day++) {
    const untilMs = START_MS + day * DAY_MS
    for (const { device, boot, seq, observed_at_ms, fw, values } of fleet.readings(untilMs)) {
      const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
      columns.forEach((column, index) => {
        if (column >= 0) numbers[column] = values[index] ?? Number.NaN
      })
      const atMs = epochMs(observed_at_ms)
      const times = { observed_at_ms: atMs, received_at_ms: atMs, hist: false }
      keep(folding.observe({ tenant: 'home', device, type: type.id, boot, seq, ...times, fw, numbers, texts: [] }))
    }
    for (const truth of fleet.truth()) {
      if (!isNoticed(truth, untilMs)) continue
      if (fleet.repair(truth.device, truth.fault, untilMs)) repaired.push({ device: truth.device, fault: truth.fault, atMs: untilMs })
    }
  }
  keep(folding.closeAll())
  return { windows, repaired }
}

const isNoticed = (truth: FaultTruth, atMs: number): boolean =>
  truth.repaired_ms === undefined && severityAt(truth, atMs) >= Math.min(NOTICED_SEVERITY, 0.95 * truth.severity_max) && severityAt(truth, atMs) > 0

interface Known {
  readonly repaired: readonly Repaired[]
  readonly told: ReadonlyMap<string, readonly Diagnosis[]>
  readonly measured: ReadonlyMap<string, readonly MeasuredWindow[]>
}

/** Labels in the order of the visits, since an engineer's record grows with them. */
function codeVisits(type: ApplianceType, { seed, wrongShare }: QuarterPlan, { repaired, told, measured }: Known): CodedVisit[] {
  const random = createRandom(`${seed}/codes`)
  const records = new Map<number, LabelFacts['engineer']>()
  const classes = classesOf(type).slice(1)
  return repaired.flatMap(({ device, fault, atMs }, index) => {
    const visit = random.fork(String(index))
    const others = classes.filter((code) => code !== fault)
    const code = visit.fork('wrong').chance(wrongShare) ? visit.fork('code').pick(others) : fault
    const parts = type.faults.find((known) => known.code === fault)?.parts ?? []
    const used = parts.filter(({ part, probability }) => visit.fork(part).chance(probability)).map(({ part, quantity }) => ({ part, qty: quantity }))
    const diagnosis = told
      .get(device)
      ?.findLast((one) => one.answer === 'fault' && one.made_at_ms <= atMs && one.made_at_ms > atMs - DIAGNOSED_MS_MAX)
    if (diagnosis === undefined) return []
    const behind = (measured.get(device) ?? []).filter(({ window_from_ms }) => window_from_ms >= atMs)
    const facts = factsOf(type, { diagnosis, behind, atMs })
    const engineer = index % ENGINEERS
    const known = records.get(engineer) ?? { confirmed: 0, contradicted: 0 }
    const belief = believeLabel({ ...facts, type, outcome: { cause: code, parts_used: used }, engineer: known, calledAgain: false })
    const isAgainst = belief.corrected_cause !== null || facts.repair === 'failed'
    if (facts.repair !== 'unknown')
      records.set(engineer, { confirmed: known.confirmed + (isAgainst ? 0 : 1), contradicted: known.contradicted + (isAgainst ? 1 : 0) })
    return [{ device, fault, code, from_ms: diagnosis.window_from_ms, to_ms: diagnosis.window_to_ms, belief }]
  })
}

/** What the sensors say of the visit. */
function factsOf(
  type: ApplianceType,
  { diagnosis, behind, atMs }: { readonly diagnosis: Diagnosis; readonly behind: readonly MeasuredWindow[]; readonly atMs: number },
): Pick<LabelFacts, 'predicted' | 'recovered' | 'repair'> {
  const bounds = boundsOf(standardVerifyPolicy, type.id)
  const after = behind
    .filter(({ window_from_ms, window_to_ms }) => window_from_ms >= atMs + bounds.settle_ms && window_to_ms <= atMs + bounds.within_ms)
    .map(({ residuals }) => residuals)
  const before = diagnosis.residuals ?? []
  const rivals = diagnosis.rivals.map(({ fault, probability }) => [fault, probability] as const)
  const predicted = Object.fromEntries([...rivals, ...(diagnosis.fault === null ? [] : [[diagnosis.fault, diagnosis.probability] as const])])
  const fault = type.faults.find(({ code }) => code === diagnosis.fault)
  const { verdict } = assessRepair({ before, after, fault }, { ...standardVerifyPolicy, ...bounds })
  const repair = verdict === 'normal' ? 'verified' : verdict === 'not_normal' ? 'failed' : 'unknown'
  const causes = causeProbabilities({ type, before, after, probabilities: predicted })
  return { predicted, repair, recovered: repair === 'verified' ? Object.fromEntries(causes) : {} }
}

const diagnoserOf = ({ type, artefact, runtime }: JudgedType) =>
  createDiagnoser({ types: () => type, artefacts: new Map([[type.id, artefact]]), runtime: () => runtime, log: silentLog, limits })

/** The same judge with a memory of one window, as the pipeline measures the windows behind a repair. */
async function measure({ type, artefact, runtime }: JudgedType, windows: readonly ClosedWindow[]): Promise<MeasuredWindow[]> {
  const single = { ...artefact, card: { ...artefact.card, smoothing: { ...artefact.card.smoothing, windows: 1 } } }
  const measured: MeasuredWindow[] = []
  const diagnoser = createDiagnoser({
    ...{ types: () => type, artefacts: new Map([[type.id, single]]), runtime: () => runtime, log: silentLog, limits },
    onJudged(judged) {
      for (const { window, mean, judge } of judged) {
        const { tenant, device, from_ms, to_ms } = window
        const unit = { tenant, device, type: type.id, window_from_ms: from_ms, window_to_ms: to_ms }
        measured.push({ ...unit, residuals: residualsOf(mean, judge.features) })
      }
    },
  })
  await diagnoser.judge(windows)
  return measured
}
