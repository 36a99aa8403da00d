/**
 * Decides what a finding (an alarm or a diagnosis that names a cause) does to the orders of its unit: open one, merge into the one
 * for the same cause, amend one whose rival it proves to be, reopen a repair that did not hold, or be a remark. One unit and cause
 * never has two open orders. A pure decision; `work-orders.ts` carries it out.
 */

import type { SafetyClass } from '#kernel/alarm.ts'
import type { Phase } from '#kernel/work-order-process.ts'
import { type HubPolicy, visitProbability } from './hub-policy.ts'
import { CLOCKS_MS } from './told-time.ts'
import { isOpenPhase } from './work-order-states.ts'

/** Cause of an order that a person's report opened and that nothing said so far can name. */
export const UNNAMED_CAUSE = 'report:unnamed'

/** Causes of orders for a danger of the home that is no fault of the unit begin so. */
export const HOME_CAUSE = 'home:'

/** The danger of a home that a cause names; undefined for any other cause. */
export const hazardOfCause = (cause: string): string | undefined => (cause.startsWith(HOME_CAUSE) ? cause.slice(HOME_CAUSE.length) : undefined)

/** A cause as reasons name it. */
export const causeWords = (cause: string): string => (cause === UNNAMED_CAUSE ? 'a trouble that nobody could name' : cause)

export interface Finding {
  readonly kind: 'alarm' | 'diagnosis'
  /** Fault code, or `rule:<id>`. */
  readonly cause: string
  /** Device time at which it was made. */
  readonly atMs: number
  readonly probability: number
  /** Faults that it could also be. */
  readonly rivals: readonly string[]
  /** A person sees it now: it is never old news behind a repair. */
  readonly isSeen?: boolean
  /** It was asked for an order that is open, so it counts however unsure it is. */
  readonly isAsked?: boolean
  /** It rests on readings alone; type of the unit and class of the fault. */
  readonly measured?: { readonly type: string; readonly safetyClass: SafetyClass }
}

/** What the decision needs to know of an order of the unit. */
export interface KnownOrder {
  readonly id: string
  readonly phase: Phase
  readonly cause: string
  readonly rivals: readonly string[]
  readonly hasAlarm: boolean
  readonly diagnosedAtMs: number | null
  readonly settledAtMs: number | null
  /** Nobody repaired anything. */
  readonly isCancelled?: boolean
  /** It was cancelled since one cause struck many units: whatever comes later is the unit's own. */
  readonly isMerged?: boolean
  /** It was cancelled since its unit recovered: it is the order again when the cause returns. */
  readonly isRecovered?: boolean
  /** Cause that the last visit wrote down. */
  readonly outcomeCause?: string | undefined
  /** Windows behind its repair are awaited, and they decide whether it held. */
  readonly isWatched?: boolean
}

export type Route =
  | { readonly kind: 'ignore' }
  | { readonly kind: 'open' }
  | { readonly kind: 'merge' | 'amend' | 'reopen'; readonly id: string }
  | { readonly kind: 'remark'; readonly id: string; readonly reason: string }

/** Route of a finding. `orders` are all orders of the unit, newest first. */
export function routeFinding(finding: Finding, orders: readonly KnownOrder[], { policy }: { readonly policy: HubPolicy }): Route {
  if (finding.kind === 'diagnosis' && finding.isAsked !== true && finding.probability < policy.diagnosisProbability_MIN) return { kind: 'ignore' }
  const isOpen = (order: KnownOrder): boolean => isOpenPhase(order.phase)

  const same = orders.filter((order) => order.cause === finding.cause)
  const open = same.find(isOpen)
  if (open !== undefined) return { kind: 'merge', id: open.id }

  const rival = finding.kind === 'alarm' ? undefined : orders.find((order) => isOpen(order) && areRivals(finding, order))
  if (rival !== undefined) return routeRival(finding, rival)

  const weighed = weighReadings(finding, orders, policy)
  if (weighed !== undefined) return weighed

  const last = same[0]
  if (last?.settledAtMs === null || last?.settledAtMs === undefined) return { kind: 'open' }
  const isFinal = last.phase === 'final'
  if (finding.isSeen === true && isToldBehind(finding, { isCancelled: last.isCancelled, settledAtMs: last.settledAtMs }))
    return isFinal && last.isRecovered !== true ? { kind: 'open' } : { kind: 'reopen', id: last.id }
  if (last.isRecovered === true && finding.atMs > last.settledAtMs) return { kind: 'reopen', id: last.id }
  const quietMs = isFinal && last.isMerged !== true ? policy.quietAfterFinalMs : policy.quietAfterDoneMs
  // An alarm that holds after the repair is a fact at once; only one from before it is old news.
  const quietUntilMs = last.settledAtMs + (finding.kind === 'alarm' || finding.isSeen === true ? 0 : quietMs)
  if (finding.atMs <= quietUntilMs) return { kind: 'remark', id: last.id, reason: 'found again within the quiet time' }
  return isFinal ? { kind: 'open' } : { kind: 'reopen', id: last.id }
}

/**
 * What a person tells of is there now, though it was seen before an order ended: a danger, and whatever nobody repaired. Of a repair only what
 * was seen clearly before its end is old news.
 */
function isToldBehind({ kind, atMs }: Finding, last: { readonly isCancelled: boolean | undefined; readonly settledAtMs: number }): boolean {
  return kind === 'alarm' || last.isCancelled === true || atMs > last.settledAtMs - CLOCKS_MS
}

/** Where readings alone are not worth a visit: not sure enough, nothing was found there lately, or the repair is being watched. A danger always is. */
function weighReadings({ measured, cause, atMs, probability }: Finding, orders: readonly KnownOrder[], policy: HubPolicy): Route | undefined {
  if (measured === undefined || isGrave({ measured })) return undefined
  const inVain = orders.find(
    ({ outcomeCause, settledAtMs }) => outcomeCause === NOTHING && settledAtMs !== null && atMs <= settledAtMs + policy.quietAfterNothingMs,
  )
  if (inVain !== undefined && (inVain.cause === cause || probability < policy.afterNothingProbability_MIN))
    return { kind: 'remark', id: inVain.id, reason: 'found by readings alone, where a visit found nothing lately' }
  const isSlight = measured.safetyClass !== 'E2'
  const watched = orders.find((order) => isSlight && order.isWatched === true && (order.cause === cause || order.outcomeCause === cause))
  if (watched !== undefined) return { kind: 'remark', id: watched.id, reason: 'found again while the windows behind the repair are awaited' }
  return probability < visitProbability(policy, { ...measured, fault: cause }) ? { kind: 'ignore' } : undefined
}

const NOTHING = 'no_fault_found'

const isGrave = ({ measured }: Pick<Finding, 'measured'>): boolean => measured?.safetyClass === 'E0' || measured?.safetyClass === 'E1'

/** Whatever is found of a unit may be what somebody reported and could not name; a danger does not wait for who is on the way because of that. */
const areRivals = (finding: Finding, order: KnownOrder): boolean =>
  order.cause === UNNAMED_CAUSE
    ? order.phase === 'waiting' || !isGrave(finding)
    : finding.rivals.includes(order.cause) || order.rivals.includes(finding.cause)

/** A newer rival takes over an order that nobody has promised to serve yet; else somebody who goes there is told. */
function routeRival(finding: Finding, order: KnownOrder): Route {
  if (order.phase !== 'waiting') return { kind: 'remark', id: order.id, reason: 'a rival fault is now more probable' }
  if (order.hasAlarm) return { kind: 'remark', id: order.id, reason: 'a rival fault was diagnosed; the alarm stands' }
  if (order.diagnosedAtMs !== null && finding.atMs <= order.diagnosedAtMs) return { kind: 'remark', id: order.id, reason: 'an older rival diagnosis' }
  return { kind: 'amend', id: order.id }
}
