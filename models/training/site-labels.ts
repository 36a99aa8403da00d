/**
 * What was true of a site's devices and when: from the coded outcomes of visits, or from a CSV of the user's. Each label speaks of a stretch of
 * time; around a fault nobody can say, and the rest counts as without fault where the user agrees to that.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { NO_FAULT } from '../artefact.ts'

export interface SiteLabel {
  readonly device: string
  /** Fault code, or `no_fault`. */
  readonly fault: string
  readonly from_ms: number
  readonly to_ms: number
  /** How far it is believed, above 0 to 1; absent = wholly. */
  readonly weight?: number
}

const DAY_MS = 86_400_000
/** A fault that was found had grown for up to this long before it was told, and needs this long to be gone behind the visit. */
const GROWING_MS = 30 * DAY_MS
const MENDING_MS = 7 * DAY_MS
/** What is wrong with the labels of a request. */
const refused = (reasons: readonly string[], more = ''): MendlineError =>
  new MendlineError('MDL_MODEL_TRAINER', `${reasons.join('; ')}${more}`, {
    details: { errors: reasons.map((reason) => ({ field: 'body.labels', reason })) },
  })

/** Lines of a file. */
const LABELS_MAX = 200_000
const FAULTS_SHOWN = 10

/**
 * Reads `device,from,to,fault` (header, any order; times as epoch ms or ISO 8601; `no_fault` for time without). With `isKnown` a device that is
 * not there is refused: its label would teach nothing and nobody would notice. A time that two lines name differently is refused, too, unless
 * both name faults.
 * @throws MendlineError MDL_MODEL_TRAINER that names line and field
 */
export function readLabels(text: string, type: ApplianceType, isKnown: (device: string) => boolean = () => true): SiteLabel[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const columns = (lines[0] ?? '').split(',').map((name) => name.trim().toLowerCase())
  const at = ['device', 'from', 'to', 'fault'].map((name) => columns.indexOf(name))
  if (at.includes(-1)) throw refused(['the labels need the columns device, from, to and fault in their first line'])
  if (lines.length > LABELS_MAX) throw refused([`the labels have more than ${LABELS_MAX} lines`])
  const codes = new Set([NO_FAULT, ...type.faults.map(({ code }) => code)])
  const faults: string[] = []
  const lineOf = new Map<SiteLabel, number>()
  const labels = lines.slice(1).flatMap((line, index): SiteLabel[] => {
    if (line.trim() === '') return []
    const cells = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    const [device = '', from = '', to = '', fault = ''] = at.map((position) => cells[position] ?? '')
    const label = { device, fault, from_ms: timeOf(from), to_ms: timeOf(to) }
    const bad = (field: string, reason: string): SiteLabel[] => {
      faults.push(`line ${index + 2}, ${field}: ${reason}`)
      return []
    }
    if (device === '') return bad('device', 'is empty')
    if (!isKnown(device)) return bad('device', `there is no device ${device} of the type ${type.id}`)
    if (Number.isNaN(label.from_ms)) return bad('from', `${from} is no time`)
    if (Number.isNaN(label.to_ms)) return bad('to', `${to} is no time`)
    if (label.to_ms <= label.from_ms) return bad('to', 'does not lie behind from')
    if (!codes.has(fault)) return bad('fault', `${fault} is no fault of ${type.id}`)
    lineOf.set(label, index + 2)
    return [label]
  })
  for (const [one, other] of contradictions(labels))
    faults.push(
      `line ${lineOf.get(other)}, fault: ${other.fault} contradicts ${one.fault} of line ${lineOf.get(one)} for the same time of ${one.device}`,
    )
  if (faults.length > 0) {
    const more = faults.length > FAULTS_SHOWN ? ` and ${faults.length - FAULTS_SHOWN} more` : ''
    throw refused(faults.slice(0, FAULTS_SHOWN), more)
  }
  return labels
}

/** Labels of one device that call the same time sound and faulty, each with the first one that it contradicts. */
function contradictions(labels: readonly SiteLabel[]): Array<readonly [SiteLabel, SiteLabel]> {
  return [...Map.groupBy(labels, ({ device }) => device).values()].flatMap((own) => {
    const sorted = own.toSorted((a, b) => a.from_ms - b.from_ms)
    // Of each kind the label that reaches farthest is the one that the next may still meet.
    let [sound, faulty]: [SiteLabel | undefined, SiteLabel | undefined] = [undefined, undefined]
    return sorted.flatMap((label): Array<readonly [SiteLabel, SiteLabel]> => {
      const isSound = label.fault === NO_FAULT
      const met = isSound ? faulty : sound
      if (isSound) sound = sound !== undefined && sound.to_ms > label.to_ms ? sound : label
      else faulty = faulty !== undefined && faulty.to_ms > label.to_ms ? faulty : label
      return met !== undefined && met.to_ms > label.from_ms ? [[met, label]] : []
    })
  })
}

/** A coded outcome and how far it is believed; null on labels from before that was weighed. */
export interface CodedOutcome {
  readonly cause: string
  readonly confidence: number | null
  readonly corrected_cause: string | null
}

/** Codes that are believed less than this teach nothing. */
const CONFIDENCE_MIN = 0.4

/** Class that training takes an outcome for: the correction where sensors speak for one; undefined where nobody can say. */
export function classOfOutcome({ cause, confidence, corrected_cause }: CodedOutcome, type: Pick<ApplianceType, 'faults'>): string | undefined {
  if (corrected_cause === null && confidence !== null && confidence < CONFIDENCE_MIN) return undefined
  const believed = corrected_cause ?? cause
  if (believed === 'no_fault_found') return NO_FAULT
  return type.faults.some(({ code }) => code === believed) ? believed : undefined
}

/** How much the windows of an outcome count in training: as far as its code is believed, a correction wholly where it stands on sensors. */
export const weightOfOutcome = ({ confidence, corrected_cause }: CodedOutcome): number =>
  corrected_cause !== null || confidence === null ? 1 : confidence

/** Makes the function that says how far what was true of a device at a time is believed. */
export function weightsAt(labels: readonly SiteLabel[]): (atMs: number) => number {
  const weighed = labels.filter(({ weight }) => weight !== undefined && weight < 1)
  return (atMs) => weighed.find(({ from_ms, to_ms }) => atMs >= from_ms && atMs <= to_ms)?.weight ?? 1
}

/** Makes the function that says what was true of a device at a time; undefined where nobody can say. */
export function labelsOf(labels: readonly SiteLabel[], rest: typeof NO_FAULT | undefined): (atMs: number) => string | undefined {
  const faulty = labels.filter(({ fault }) => fault !== NO_FAULT)
  return (atMs) => {
    const fault = faulty.find(({ from_ms, to_ms }) => atMs >= from_ms && atMs <= to_ms)
    if (fault !== undefined) return fault.fault
    if (labels.some((label) => label.fault === NO_FAULT && atMs >= label.from_ms && atMs <= label.to_ms)) return NO_FAULT
    if (faulty.some(({ from_ms, to_ms }) => atMs >= from_ms - GROWING_MS && atMs <= to_ms + MENDING_MS)) return undefined
    return rest
  }
}

const timeOf = (text: string): number => (/^\d{12,13}$/.test(text) ? Number(text) : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN)
