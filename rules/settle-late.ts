/**
 * Looks once more at what a device stored, when the rest of it has had time to come. A danger that is over sooner than the unit samples shows
 * in one reading; live, the clock completes its hold before the next one takes it back. Of stored readings the next may lie between and
 * not be here yet, so the log is folded with the clock only a while behind the last one that held.
 */
import type { HubEvent } from '#kernel/hub-event.ts'
import type { CompiledRule } from './compile-rules.ts'
import { UNDER_WAY_MS } from './decide-in-order.ts'
import { isTold, tellChain } from './decide-late.ts'
import { type DeviceState, type DeviceStates, keyOf } from './device-states.ts'
import { completeChains } from './fold-late-log.ts'
import type { LateLog } from './late-log.ts'
import { markInOrder, noteInOrder } from './note-in-order.ts'
import type { PendingHold } from './pending-holds.ts'
import type { RuleState } from './rule-state.ts'

/** Alarms of holds that were complete by the clock before a stored reading took them back. */
export function settleLate(waiting: PendingHold, devices: DeviceStates): readonly HubEvent[] {
  const device = devices.known(waiting.tenant, waiting.device, waiting.type)
  const { late } = device ?? {}
  if (device === undefined || late === undefined) return []
  noteInOrder(device, late)
  const { log } = late
  const events = device.set.rules.flatMap((compiled, index) => {
    const state = device.rules[index]
    const column = compiled.isLogged ? log.keys.indexOf(keyOf(compiled)) : -1
    return state === undefined || log.everHeld[column] !== true ? [] : settleRule(waiting, { device, log, index, compiled, state, column })
  })
  markInOrder(device, late)
  return events
}

interface OfRule {
  readonly device: DeviceState
  readonly log: LateLog
  readonly index: number
  readonly compiled: CompiledRule
  readonly state: RuleState
  readonly column: number
}

/** Tells of each hold between the first and the last reading that waited. */
function settleRule({ rest, ...waiting }: PendingHold, { device, log, index, compiled, state, column }: OfRule): readonly HubEvent[] {
  const { isLeftTogether } = compiled.condition
  const of = { index: log.placeOf(waiting.beganMs), column, isLeftTogether, underWayMs: UNDER_WAY_MS, toMs: rest?.toMs ?? waiting.beganMs }
  return completeChains(log, of, compiled.rule).flatMap((chain) => {
    const span = { fromMs: chain.beganMs, toMs: chain.knownMs }
    if (isTold(state, span)) return []
    const key = keyOf(compiled)
    const witness = rest?.witnesses.findLast(({ rule, atMs }) => rule === key && atMs >= span.fromMs && atMs <= span.toMs)
    const evidence = [...(witness?.evidence ?? log.witnesses[column] ?? [])]
    return tellChain({ ...waiting, evidence }, device, { index, compiled, state, chain })
  })
}
