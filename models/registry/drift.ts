/**
 * Drift of models in the field: per model, firmware and season the inputs of the last weeks are held against those of training, and the answers
 * against the first ones on this site, by the population stability index. A unit counts once a week, so that one that talks much is not
 * a population; an index counts from where chance does not reach. It is a function of the windows and reads no clock.
 */
import type { JudgedWindow } from '../diagnose.ts'
import { binOf, type DriftReference, driftReferenceOf } from './drift-reference.ts'

const WEEK_MS = 7 * 86_400_000
/** Weeks that are looked at together. */
const WEEKS = 4
/** Unit-weeks from which a cohort is judged, and of which the site's own reference is made where the card has none. */
export const COHORT_MIN = 50
export const BASELINE = 100
/** Index that is called a shift of the population by convention (Siddiqi, Credit Risk Scorecards). */
const PSI_LIMIT = 0.25
/** Standard deviations of the index under no drift that chance is given. */
const CHANCE = 6
/** Firmware versions and seasons of one model that are told apart; more are counted together. */
const COHORTS_MAX = 64

export interface DriftFinding {
  readonly tenant: string
  readonly model: string
  readonly type: string
  readonly firmware: string
  readonly season: string
  readonly unit_weeks: number
  /** Input with the largest index, or `answers`. */
  readonly of: string
  readonly psi: number
  /** Index from which it is an alarm, for as many unit-weeks. */
  readonly limit: number
  readonly is_drifting: boolean
  /** What it is held against. */
  readonly against: 'training' | 'first weeks'
  /** End of the newest window. */
  readonly at_ms: number
}

interface Week {
  week: number
  count: number
  /** By watched input, by bin. */
  inputs: number[][]
  answers: Record<string, number>
}

interface Cohort {
  readonly tenant: string
  readonly model: string
  readonly type: string
  readonly firmware: string
  readonly season: string
  weeks: Week[]
  isDrifting: boolean
  atMs: number
}

interface Baseline {
  readonly names: readonly string[]
  reference: DriftReference | undefined
  isOwn: boolean
  /** Rows of the first weeks, until there are enough. */
  rows: Float32Array[]
  answers: Record<string, number>
  answerCount: number
}

interface State {
  readonly cohorts: Map<string, Cohort>
  readonly baselines: Map<string, Baseline>
  /** Week in which a unit was counted last, by model and unit. */
  readonly counted: Map<string, number>
}

export class DriftMonitor {
  #state: State = { cohorts: new Map(), baselines: new Map(), counted: new Map() }
  readonly #onDrift: (finding: DriftFinding) => void

  /** @param onDrift told when a cohort begins to drift */
  constructor(onDrift: (finding: DriftFinding) => void) {
    this.#onDrift = onDrift
  }

  observe(judged: readonly JudgedWindow[]): void {
    for (const one of judged) this.#take(one)
  }

  findings(tenant?: string): DriftFinding[] {
    return [...this.#state.cohorts.values()]
      .filter((cohort) => tenant === undefined || cohort.tenant === tenant)
      .flatMap((cohort) => this.#judge(cohort) ?? [])
  }

  /** Structured data. */
  snapshot(): unknown {
    return structuredClone(this.#state)
  }

  restore(state: unknown): void {
    if (typeof state === 'object' && state !== null && 'cohorts' in state) this.#state = structuredClone(state) as State
  }

  #take({ window, judge, mean, classes, probabilities }: JudgedWindow): void {
    const { tenant, device, firmware = 'unknown', to_ms } = window
    const { version, type, inputs, drift } = judge.artefact.card
    const week = Math.floor(to_ms / WEEK_MS)
    const unit = `${tenant}/${version}/${device}`
    if ((this.#state.counted.get(unit) ?? Number.NEGATIVE_INFINITY) >= week) return
    this.#state.counted.set(unit, week)
    const row = judge.toInputs(mean)
    const best = probabilities.reduce((top, value, at) => (value > (probabilities[top] ?? 0) ? at : top), 0)
    const answer = classes[best] ?? ''
    const baseline = this.#baselineOf(`${tenant}/${version}`, inputs, drift)
    learn(baseline, row, answer)
    if (baseline.reference === undefined) return
    const cohort = this.#cohortOf({ tenant, model: version, type, firmware, season: seasonOf(to_ms) })
    cohort.atMs = Math.max(cohort.atMs, to_ms)
    let current = cohort.weeks.find((one) => one.week === week)
    if (current === undefined) {
      current = { week, count: 0, inputs: baseline.reference.inputs.map(({ bounds }) => new Array<number>(bounds.length + 1).fill(0)), answers: {} }
      cohort.weeks = [...cohort.weeks, current].sort((a, b) => a.week - b.week).slice(-WEEKS)
    }
    current.count++
    current.answers[answer] = (current.answers[answer] ?? 0) + 1
    for (const [index, { name, bounds }] of baseline.reference.inputs.entries()) {
      const bins = current.inputs[index]
      const bin = binOf(bounds, row[inputs.indexOf(name)] ?? 0)
      if (bins !== undefined) bins[bin] = (bins[bin] ?? 0) + 1
    }
    const finding = this.#judge(cohort)
    if (finding === undefined) return
    if (finding.is_drifting && !cohort.isDrifting) this.#onDrift(finding)
    cohort.isDrifting = finding.is_drifting
  }

  #judge(cohort: Cohort): DriftFinding | undefined {
    const baseline = this.#state.baselines.get(`${cohort.tenant}/${cohort.model}`)
    const count = cohort.weeks.reduce((sum, week) => sum + week.count, 0)
    if (baseline?.reference === undefined || count < COHORT_MIN) return undefined
    const { reference } = baseline
    const sums = reference.inputs.map((input, index) => {
      const bins = input.shares.map((_, bin) => cohort.weeks.reduce((sum, week) => sum + (week.inputs[index]?.[bin] ?? 0), 0))
      return { of: input.name, psi: psiOf(input.shares, bins), limit: limitOf(bins.length, count, reference.rows) }
    })
    if (baseline.answerCount >= BASELINE) {
      const names = [...new Set([...Object.keys(baseline.answers), ...cohort.weeks.flatMap(({ answers }) => Object.keys(answers))])]
      const shares = names.map((name) => (baseline.answers[name] ?? 0) / baseline.answerCount)
      const bins = names.map((name) => cohort.weeks.reduce((sum, { answers }) => sum + (answers[name] ?? 0), 0))
      sums.push({ of: 'answers', psi: psiOf(shares, bins), limit: limitOf(Math.max(2, names.length), count, BASELINE) })
    }
    const worst = sums.reduce((a, b) => (b.psi / b.limit > a.psi / a.limit ? b : a))
    const { tenant, model, type, firmware, season, atMs } = cohort
    return {
      ...{ tenant, model, type, firmware, season, unit_weeks: count, of: worst.of },
      psi: Number(worst.psi.toFixed(3)),
      limit: Number(worst.limit.toFixed(3)),
      is_drifting: worst.psi > worst.limit,
      against: worst.of === 'answers' || baseline.isOwn ? 'first weeks' : 'training',
      at_ms: atMs,
    }
  }

  #baselineOf(key: string, names: readonly string[], drift: DriftReference | undefined): Baseline {
    const found = this.#state.baselines.get(key)
    if (found !== undefined) return found
    const made: Baseline = { names, reference: drift, isOwn: drift === undefined, rows: [], answers: {}, answerCount: 0 }
    this.#state.baselines.set(key, made)
    return made
  }

  #cohortOf(of: Pick<Cohort, 'tenant' | 'model' | 'type' | 'firmware' | 'season'>): Cohort {
    const mine = [...this.#state.cohorts.keys()].filter((key) => key.startsWith(`${of.tenant}/${of.model}/`)).length
    const whole = `${of.tenant}/${of.model}/${of.firmware}/${of.season}`
    const named = mine >= COHORTS_MAX && !this.#state.cohorts.has(whole) ? { ...of, firmware: 'others' } : of
    const key = `${named.tenant}/${named.model}/${named.firmware}/${named.season}`
    const cohort = this.#state.cohorts.get(key) ?? { ...named, weeks: [], isDrifting: false, atMs: 0 }
    this.#state.cohorts.set(key, cohort)
    return cohort
  }
}

/** Collects the first weeks of the site: for the answers always, for the inputs where the card says nothing. */
function learn(baseline: Baseline, row: Float32Array, answer: string): void {
  if (baseline.answerCount >= BASELINE) return
  baseline.answerCount++
  baseline.answers[answer] = (baseline.answers[answer] ?? 0) + 1
  if (!baseline.isOwn) return
  baseline.rows.push(Float32Array.from(row, (value) => value))
  if (baseline.answerCount < BASELINE) return
  baseline.reference = driftReferenceOf(baseline.names, baseline.rows)
  baseline.rows = []
}

/** Index of the shares in `bins` against the expected ones; half a count in each bin keeps empty ones from being endless. */
export function psiOf(expected: readonly number[], bins: readonly number[]): number {
  const count = bins.reduce((sum, value) => sum + value, 0)
  const smooth = 0.5 / Math.max(1, count)
  return expected.reduce((sum, share, bin) => {
    const wanted = Math.max(share, smooth)
    const seen = Math.max((bins[bin] ?? 0) / count, smooth)
    return sum + (seen - wanted) * Math.log(seen / wanted)
  }, 0)
}

/** Index that counts: the conventional one, or what chance reaches with so few, if that is more (the index times n is nearly chi-squared). */
const limitOf = (bins: number, count: number, reference: number): number =>
  Math.max(PSI_LIMIT, (bins - 1 + CHANCE * Math.sqrt(2 * (bins - 1))) * (1 / count + 1 / reference))

/** Three months together, named by their letters, so that it is right on both halves of the earth. */
export const seasonOf = (atMs: number): string => {
  // A date is made of a given instant here; no clock is read.
  const month = new Date(atMs).getUTCMonth()
  return ['DJF', 'MAM', 'JJA', 'SON'][Math.floor(((month + 1) % 12) / 3)] ?? ''
}
