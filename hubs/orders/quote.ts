/**
 * Warranty, price range and the advice to repair or to replace, from the packet, the terms of the type and the time of installation. A pure
 * function, so that the same packet has the same price; what nobody knows (no time of installation) is said and paid for by the household.
 */
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { PriceLine, Quote } from '#kernel/service-facts.ts'
import type { ServiceTerms, TermsVersion } from '#kernel/service-terms.ts'
import type { Packet } from '#kernel/work-order.ts'

export interface QuoteSources {
  readonly type: ApplianceType | undefined
  readonly packet: Packet
  readonly terms: TermsVersion
  /** Epoch ms; null = nobody said. */
  readonly installedAtMs: number | null
  readonly openedAtMs: number
  /** It repeats a repair of the last days. */
  readonly isRepeat: boolean
}

/** A month in ms; a warranty ends with the day, and a day more or less decides nothing here. */
const MONTH_MS = (365.25 * 86_400_000) / 12
const YEAR_MS = 12 * MONTH_MS
/** Work takes between these shares of the minutes of the steps. */
const LABOUR = { min: 0.75, max: 1.5 }
/** A part at least this probable is in the least price. */
const SURE = 0.8
/** Keeping the appliance is compared with a new one over the rest of its usual life, but at least so many years. */
const HORIZON_YEARS_MIN = 3
/** Keeping costs this share of replacing: below the first repair, above the second replace. */
const KEEP = { repair: 0.8, replace: 1 }
/** A repair below this share of a new one's price is done; replacing is advised from twice as much (chosen). */
const SMALL_REPAIR = 0.15

const untilOf = (installedAtMs: number | null, months: number): number | null =>
  installedAtMs === null ? null : Math.round(installedAtMs + months * MONTH_MS)

/** Until when a part is under warranty, epoch ms; null = nobody said when the appliance was installed. */
export const partWarrantyUntil = (terms: ServiceTerms, part: string, installedAtMs: number | null): number | null =>
  untilOf(installedAtMs, terms.parts.find((entry) => entry.part === part)?.warranty_months ?? terms.parts_warranty_months)

export function buildQuote(sources: QuoteSources): Quote {
  const { packet, terms: version, installedAtMs } = sources
  const { terms } = version
  const isCovered = (untilMs: number | null): boolean | null => (sources.isRepeat ? true : untilMs === null ? null : sources.openedAtMs < untilMs)
  const labourUntil = untilOf(installedAtMs, terms.labour_warranty_months)
  const parts = packet.parts.map(({ part }) => {
    const untilMs = partWarrantyUntil(terms, part, installedAtMs)
    return { part, until_ms: untilMs, is_covered: isCovered(untilMs) }
  })
  const lines = linesOf(packet, {
    terms,
    minutes: workMinutes(sources),
    labour: isCovered(labourUntil),
    part: (part) => parts.find((entry) => entry.part === part)?.is_covered ?? null,
  })
  const price = { currency: terms.currency, ...sumOf(lines), lines }
  const all = [isCovered(labourUntil), ...parts.map((part) => part.is_covered)]
  const covered = all.includes(null) ? null : all.every((entry) => entry === true)
  return {
    installed_at_ms: installedAtMs,
    warranty: { is_covered: covered, labour_until_ms: labourUntil, parts },
    price,
    advice: adviceOf(sources, price),
    terms_version: version.version,
  }
}

/** Minutes of work at least and at most. Where no fault is named it may be any repair of the type. */
function workMinutes({ type, packet }: QuoteSources): { readonly min: number; readonly max: number } {
  if (packet.fault !== null || packet.steps.length > 0 || type === undefined)
    return { min: packet.minutes * LABOUR.min, max: packet.minutes * LABOUR.max }
  const all = type.faults.map((fault) => minutesOf(type, fault)).filter((minutes) => minutes > 0)
  return all.length === 0 ? { min: 0, max: 0 } : { min: Math.min(...all) * LABOUR.min, max: Math.max(...all) * LABOUR.max }
}

const minutesOf = ({ steps }: ApplianceType, fault: Fault): number =>
  fault.steps.reduce((sum, id) => sum + (steps.find((step) => step.id === id)?.minutes ?? 0), 0)

interface Pricing {
  readonly terms: ServiceTerms
  readonly minutes: { readonly min: number; readonly max: number }
  /** Whether the warranty covers labour, and a part. */
  readonly labour: boolean | null
  readonly part: (part: string) => boolean | null
}

function linesOf({ parts }: Packet, { terms, minutes, ...covered }: Pricing): PriceLine[] {
  const labour = (spent: number): number => Math.round((terms.labour_minor_per_hour * spent) / 60)
  return [
    ...parts.map(({ part, quantity, probability }): PriceLine => {
      const price = terms.parts.find((entry) => entry.part === part) ?? terms.other_part
      const [min_minor, max_minor] = [price.min_minor * quantity, price.max_minor * quantity]
      return { kind: 'part', part, quantity, probability, min_minor, max_minor, is_covered: covered.part(part) }
    }),
    { kind: 'labour', quantity: 1, probability: 1, min_minor: labour(minutes.min), max_minor: labour(minutes.max), is_covered: covered.labour },
    { kind: 'travel', quantity: 1, probability: 1, min_minor: terms.travel_minor, max_minor: terms.travel_minor, is_covered: covered.labour },
  ]
}

function sumOf(lines: readonly PriceLine[]): { readonly min_minor: number; readonly max_minor: number; readonly expected_minor: number } {
  const paid = lines.filter(({ is_covered }) => is_covered !== true)
  const sum = (of: (line: PriceLine) => number): number => Math.round(paid.reduce((total, line) => total + of(line), 0))
  return {
    min_minor: sum(({ probability, min_minor }) => (probability >= SURE ? min_minor : 0)),
    max_minor: sum(({ max_minor }) => max_minor),
    expected_minor: sum(({ probability, min_minor, max_minor }) => (probability * (min_minor + max_minor)) / 2),
  }
}

/**
 * What the next years cost with this appliance (this repair, and those that its age makes likely) beside the share of a new one's price that
 * these years use up, and the repairs that a new one needs in them. Reasons are codes with the figures that they rest on.
 */
function adviceOf({ type, terms: { terms }, installedAtMs, openedAtMs, isRepeat }: QuoteSources, price: Quote['price']): Quote['advice'] {
  const repairShare = terms.replacement_minor === 0 ? 0 : price.expected_minor / terms.replacement_minor
  const reasons: Quote['advice']['reasons'] = [
    { code: 'repair_share', values: { expected_minor: price.expected_minor, share_ratio: round(repairShare) } },
  ]
  if (isRepeat) reasons.push({ code: 'repeat', values: {} })
  if (price.max_minor === 0) return { advice: 'repair', reasons: [{ code: 'covered', values: {} }, ...reasons] }
  if (installedAtMs === null || type === undefined) {
    const advice = repairShare > KEEP.replace * 0.5 ? 'either' : 'repair'
    return { advice, reasons: [...reasons, { code: 'age_unknown', values: {} }] }
  }
  const ageYears = Math.max(0, openedAtMs - installedAtMs) / YEAR_MS
  const years = Math.max(HORIZON_YEARS_MIN, terms.life_years - ageYears)
  const repairsFrom = (fromYears: number): number =>
    Math.round(type.faults.reduce((sum, fault) => sum + failures(fault, fromYears, years) * costOf(fault, { type, terms }), 0))
  const furtherMinor = repairsFrom(ageYears)
  const replaceMinor = Math.round((terms.replacement_minor * years) / terms.life_years) + repairsFrom(0)
  const keepMinor = price.expected_minor + furtherMinor
  reasons.push({ code: 'age', values: { age_years: round(ageYears), life_years: terms.life_years } })
  reasons.push({
    code: 'keeping_costs',
    values: { keep_minor: keepMinor, further_minor: furtherMinor, replace_minor: replaceMinor, years: round(years) },
  })
  const share = keepMinor / Math.max(1, replaceMinor)
  // Whatever the years to come may bring: nobody throws an appliance away over a small repair.
  if (repairShare < SMALL_REPAIR || share < KEEP.repair) return { advice: 'repair', reasons }
  return { advice: share < KEEP.replace || repairShare < 2 * SMALL_REPAIR ? 'either' : 'replace', reasons }
}

const round = (value: number): number => Math.round(value * 100) / 100

/** Expected failures of a kind within so many years, by the hazard of its Weibull life at this age. */
function failures({ life }: Fault, ageYears: number, years: number): number {
  if (life === undefined) return 0
  return ((ageYears + years) / life.scaleYears) ** life.shape - (ageYears / life.scaleYears) ** life.shape
}

function costOf(fault: Fault, { type, terms }: { readonly type: ApplianceType; readonly terms: ServiceTerms }): number {
  // What the household can do by itself costs nothing.
  if ((fault.remoteSteps ?? []).length > 0) return 0
  const minutes = minutesOf(type, fault)
  const parts = fault.parts.reduce((sum, { part, quantity, probability }) => {
    const price = terms.parts.find((entry) => entry.part === part) ?? terms.other_part
    return sum + (probability * quantity * (price.min_minor + price.max_minor)) / 2
  }, 0)
  return parts + (terms.labour_minor_per_hour * minutes) / 60 + terms.travel_minor
}
