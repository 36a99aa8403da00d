/**
 * What follows from a diagnosis: the safe test on command that best parts the fault from its likeliest rivals, and further faults whose
 * own signs are there besides those that the named fault explains.
 */
import type { ActiveTest, ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { type TimedResiduals, weighSigns } from './evidence.ts'

type Rivals = Diagnosis['rivals']

/** The test whose answers speak apart for the fault and for rivals of the most probability; null where none does. */
export function nextTest(type: ApplianceType, fault: Fault, rivals: Rivals): NonNullable<Diagnosis['next_test']> | null {
  const byRivals = [fault.code, ...rivals.map((rival) => rival.fault)]
  const named = new Set(type.faults.filter(({ code }) => byRivals.includes(code)).flatMap(({ activeTests = [] }) => activeTests))
  const ranked = (type.activeTests ?? [])
    .filter(({ id }) => named.has(id))
    .map((test) => {
      const parted = rivals.filter((rival) => parts(test, fault.code, rival.fault))
      return { test, parted, weight: parted.reduce((sum, { probability }) => sum + probability, 0) }
    })
    .sort((a, b) => b.weight - a.weight)
  const [best] = ranked
  const own = type.activeTests?.find(({ id }) => id === fault.activeTests?.[0])
  if (best !== undefined && best.weight > 0) return toRecord(best.test, best.parted)
  return own === undefined ? null : toRecord(own, [])
}

const toRecord = ({ id, name }: ActiveTest, parted: Rivals) => ({ test: id, name: name.en, splits: parted.map(({ fault }) => fault) })

/** Some answer speaks for one of the two and not for the other, or against one only. */
const parts = ({ answers }: ActiveTest, one: string, other: string): boolean =>
  answers.some(
    ({ speaksFor, speaksAgainst }) =>
      speaksFor.includes(one) !== speaksFor.includes(other) || speaksAgainst.includes(one) !== speaksAgainst.includes(other),
  )

/** A fault is also there when so many signs of its own are seen, and at least this share of those that can be judged. */
const OWN_SIGNS_MIN = 2
const OWN_SIGNS_SHARE = 0.75
/** A sign of a further fault must be clear, as the first fault blurs the rest. */
const CLEAR_Z = 3
/** What the model itself gives no chance is not claimed. */
const PROBABILITY_MIN = 0.02

interface Seen {
  readonly type: ApplianceType
  readonly mean: TimedResiduals | undefined
  readonly features: readonly string[]
  readonly classes: readonly string[]
  readonly probabilities: readonly number[]
}

/** Further faults, by signs on features that the named fault does not move. */
export function alsoSeen({ type, mean, features, classes, probabilities }: Seen, named: Fault): NonNullable<Diagnosis['also']> {
  if (mean === undefined) return []
  const explained = new Set(named.signs.filter(({ direction }) => direction !== 0).map(({ feature }) => feature))
  return type.faults
    .filter(({ code }) => code !== named.code && (probabilities[classes.indexOf(code)] ?? 0) >= PROBABILITY_MIN)
    .flatMap((other) => {
      const signs = other.signs.filter(({ feature, direction }) => direction !== 0 && !explained.has(feature))
      const weighed = weighSigns({ ...other, signs }, mean, features, type)
      const clear = weighed.for.filter(({ z_score }) => Math.abs(z_score ?? 0) >= CLEAR_Z)
      const isSeen = clear.length >= OWN_SIGNS_MIN && clear.length >= OWN_SIGNS_SHARE * (weighed.for.length + weighed.against.length)
      return isSeen ? [{ fault: other.code, fault_name: other.name.en, signs: clear.map(({ text }) => text) }] : []
    })
}
