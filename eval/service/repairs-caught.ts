/** What became of repairs that were done badly, only claimed, or coded wrongly in a city of policy (c): what its sensors caught, and what its households. */
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import type { CityVisit } from '../../simulators/city/dispatch.ts'
import { share } from './measures.ts'
import type { PolicyRun } from './run-policy.ts'

/** Repairs of the last weeks are left out: neither the sensors nor the household had time. */
export const WAIT_DAYS = 21
const REPEAT_MS = 30 * DAY_MS

export interface Caught {
  readonly failed: number
  readonly failedCaught: number
  readonly wrongCodes: number
  readonly wrongCodesCaught: number
  readonly all: number
  readonly repeatCall: number
  readonly good: number
  readonly reopenedWrongly: number
  /** Of all good repairs: reopened though nothing stood at the unit then, and its household had reported nothing since the visit. */
  readonly reopenedForNothing: number
  /** Good repairs with any sign before the next visit of the same order. */
  readonly signedWrongly: number
}

export function caughtOf({ run, mendline }: PolicyRun): Caught {
  const told = new Map<string, Array<{ type: string; sign: unknown; atMs: number }>>()
  for (const { atMs, event } of mendline?.received ?? []) {
    const isReopened = event.type === 'mendline.work_order.reopened.v1'
    if (!isReopened && event.type !== 'mendline.repair.sign.v1') continue
    told.set(event.subject, [...(told.get(event.subject) ?? []), { type: isReopened ? 'reopened' : 'sign', sign: event.data.sign, atMs }])
  }
  const known = run.dispatch.visits.filter(({ order, atMs }) => order.startsWith('wo_') && atMs < run.endMs - WAIT_DAYS * DAY_MS)
  const after = ({ order, atMs }: CityVisit, isHit: (one: { type: string; sign: unknown }) => boolean): number | undefined =>
    told.get(order)?.find((one) => one.atMs >= atMs && one.atMs <= atMs + REPEAT_MS && isHit(one))?.atMs
  const calledMs = ({ device, atMs }: CityVisit): number | undefined =>
    run.customers.contacts.find(
      (contact) => contact.kind === 'report' && contact.device === device && contact.atMs > atMs && contact.atMs <= atMs + REPEAT_MS,
    )?.atMs
  const isFailedCaught = (visit: CityVisit): boolean =>
    (after(visit, () => true) ?? Number.POSITIVE_INFINITY) < (calledMs(visit) ?? Number.POSITIVE_INFINITY)
  const isWrongCaught = (visit: CityVisit): boolean => after(visit, ({ sign }) => sign === 'miscoded_repair') !== undefined
  const nextMs = ({ order, atMs }: CityVisit): number =>
    Math.min(...run.dispatch.visits.filter((other) => other.order === order && other.atMs > atMs).map((other) => other.atMs), atMs + REPEAT_MS)
  const isSigned = (visit: CityVisit): boolean => {
    const signMs = after(visit, ({ type }) => type === 'sign')
    return signMs !== undefined && signMs < nextMs(visit)
  }
  const failed = known.filter(({ kind }) => kind === 'bad' || kind === 'phantom')
  const wrongCodes = known.filter(({ isWrongCode }) => isWrongCode)
  const good = known.filter(({ kind, isWrongCode }) => kind === 'repaired' && !isWrongCode)
  const caught = (visit: CityVisit): boolean => (visit.isWrongCode ? isWrongCaught(visit) : isFailedCaught(visit))
  const isForNothing = (visit: CityVisit): boolean => {
    const atMs = after(visit, ({ type }) => type === 'reopened')
    return atMs !== undefined && run.truth.standing(visit.device, atMs).length === 0 && (calledMs(visit) ?? Number.POSITIVE_INFINITY) > atMs
  }
  return {
    good: good.length,
    reopenedForNothing: share(good, isForNothing),
    failed: failed.length,
    failedCaught: share(failed, isFailedCaught),
    wrongCodes: wrongCodes.length,
    wrongCodesCaught: share(wrongCodes, isWrongCaught),
    all: share([...failed, ...wrongCodes], caught),
    repeatCall: share([...failed, ...wrongCodes], (visit) => calledMs(visit) !== undefined),
    signedWrongly: share(good, isSigned),
    reopenedWrongly: share(good, (visit) => after(visit, ({ type }) => type === 'reopened') !== undefined),
  }
}
