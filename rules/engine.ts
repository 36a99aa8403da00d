/**
 * The rules engine: takes readings in journal order and decides alarms in event time, per device. Rules are data of the catalogue,
 * compiled once per type. The same readings give the same events wherever the run is split by a snapshot, and ids are made of
 * content, so a replay raises the same alarms. It reads no clock and keeps no raw readings.
 */
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { InOrder, NOTHING } from './decide-in-order.ts'
import { decideLate, decideStored } from './decide-late.ts'
import { createDeviceStates, type DeviceStates, isHistory, placeOf } from './device-states.ts'
import { createPendingHolds, type PendingHold } from './pending-holds.ts'
import { createRuleBook, type RuleBook } from './rule-book.ts'
import { type Explanation, explain } from './rule-levels.ts'
import { settleLate } from './settle-late.ts'

export interface RulesEngineOptions {
  readonly types: (type: string) => ApplianceType | undefined
  /** Chooses the rules that this engine runs, e.g. `isSafetyRule`. */
  readonly filter: (rule: Rule) => boolean
  /** Rules of tenants, and since when; absent: those of the catalogue. */
  readonly book?: RuleBook
}

export interface RulesStatistics {
  readonly readings: number
  readonly raised: number
  readonly cleared: number
  /** Readings older than the device's last, for which only safety rules were asked. */
  readonly late: number
  /** Late readings too old for that. */
  readonly lateTooOld: number
  /** Times that a device's clock went back and stayed; its holds began anew. */
  readonly clockSetBack: number
  /** Newer readings that lay behind or leapt ahead by themselves, each judged at the time that has passed since the last. */
  readonly clockAstray: number
}

export interface RulesEngine {
  /**
   * Events that this reading causes, in order of the rules. Costs a few microseconds.
   * @param trusted the reading's values without those of channels in a bad state; ordinary rules know only these
   * @throws MendlineError MDL_CONFIG_INVALID when the rules of the type fail their check (at the first reading of the type)
   */
  decide(reading: Reading, trusted?: Float64Array): readonly HubEvent[]
  /**
   * Events of holds of safety rules and of their levels that are complete by the clock at `nowMs`, since nothing contradicted them. A later message or a
   * replay that tells the same gives the same alarm id.
   */
  completeHolds(nowMs: number): readonly HubEvent[]
  /** Time at which `completeHolds` is to be asked again, infinite for none. */
  nextHoldMs(): number
  /** Where a rule of a device stands after the last reading; values are those of that reading. Undefined when the rule does not hold for it. */
  explain(reading: Reading, rule: string): Explanation | undefined
  statistics(): RulesStatistics
  /** State of one device as plain data, undefined when it has none; after `loadDevice` of it the device goes on exactly there. */
  saveDevice(tenant: string, device: string): unknown
  loadDevice(tenant: string, device: string, state: unknown): void
  /** Plain JSON data; `restore` of it goes on exactly here. State of rules that changed since is forgotten. */
  snapshot(): unknown
  restore(snapshot: unknown): void
}

type Counts = { -readonly [Name in keyof RulesStatistics]: number }

/** Creates the engine; types are compiled when their first reading comes. */
export function createRulesEngine({ types, filter, book = createRuleBook({ types, filter }) }: RulesEngineOptions): RulesEngine {
  const devices: DeviceStates = createDeviceStates(book.ruleSet)
  const holds = createPendingHolds()
  const counts: Counts = { readings: 0, raised: 0, cleared: 0, late: 0, lateTooOld: 0, clockSetBack: 0, clockAstray: 0 }
  const inOrder = new InOrder({ devices, holds, counts, settle: (waiting) => settleLate(waiting, devices) })

  return {
    completeHolds: (nowMs) => inOrder.completeHolds(nowMs),
    nextHoldMs: () => holds.nextDueMs(),
    decide(reading, trusted = reading.numbers) {
      if (!book.hasRules(reading.tenant, reading.type)) return NOTHING
      counts.readings++
      const device = devices.of(reading)
      const order = devices.advance(device, reading)
      if (order === 'late') return decideLate(reading, device, { devices, holds, inOrder, counts })
      if (order === 'set back') counts.clockSetBack++
      if (order === 'astray') counts.clockAstray++
      // One reading with a wrong clock says what is now: it counts at the time that has passed since the last.
      const placed = order === 'astray' ? { ...reading, observed_at_ms: placeOf(device, reading) } : reading
      if (!reading.hist || isHistory(reading)) return inOrder.decide(placed, trusted, device)
      return decideStored(placed, device, { devices, holds, decide: () => inOrder.decide(placed, trusted, device) })
    },
    explain(reading, id) {
      const device = devices.known(reading.tenant, reading.device, reading.type)
      return device === undefined ? undefined : explain(reading, device, id)
    },
    statistics: () => ({ ...counts }),
    saveDevice: (tenant, device) => devices.save(tenant, device),
    loadDevice: (tenant, device, state) => devices.load(tenant, device, state),
    snapshot: () => ({ ...devices.snapshot(), holds: holds.snapshot() }),
    restore(snapshot) {
      devices.restore(snapshot)
      // Absent in what versions before it saved.
      holds.restore((snapshot as { readonly holds?: readonly PendingHold[] }).holds ?? [])
    },
  }
}
