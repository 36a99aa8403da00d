/**
 * The alarms of a device that stand now, by rule, and which of them the hubs were told. The hubs are told an alarm once, when it is news:
 * raised by a reading that is no history, or still standing when the first reading that is no history comes. What history or a late
 * reading adds or takes away is amended silently, except that an alarm that no longer stands is cleared in the hubs, too.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'

export type AlarmEvent = Extract<HubEvent, { kind: 'alarm_raised' | 'alarm_cleared' | 'alarm_changed' }>

interface Standing {
  alarm: Alarm
  /** The alarm as the hubs were told, null when they were not. */
  told: Alarm | null
}

export type StandingState = ReadonlyArray<readonly [rule: string, standing: Standing]>

export class StandingAlarms {
  readonly #byRule: Map<string, Standing>
  #untold: number

  constructor(state: StandingState = []) {
    this.#byRule = new Map(state.map(([rule, standing]) => [rule, { ...standing }]))
    this.#untold = state.filter(([, { told }]) => told === null).length
  }

  /** Takes an event of the rules; what the hubs are to be told goes into `tell`. */
  take(event: AlarmEvent, isNews: boolean, tell: HubEvent[]): void {
    const { alarm } = event
    const standing = this.#byRule.get(alarm.rule)
    if (event.kind === 'alarm_raised') {
      this.#byRule.set(alarm.rule, { alarm, told: isNews ? alarm : null })
      if (isNews) tell.push(event)
      else this.#untold++
      return
    }
    if (event.kind === 'alarm_changed') {
      if (standing !== undefined) this.#change(standing, alarm, event.at_ms, tell)
      return
    }
    this.#byRule.delete(alarm.rule)
    if (standing?.told === null) this.#untold--
    else tell.push(clearedEvent(standing?.told ?? alarm, alarm.cleared_at_ms ?? alarm.raised_at_ms))
  }

  /** Tells what stands and was not told; called when a reading came that is no history. */
  tellStanding(tell: HubEvent[]): void {
    if (this.#untold === 0) return
    for (const standing of this.#byRule.values()) {
      if (standing.told !== null) continue
      standing.told = standing.alarm
      tell.push({ kind: 'alarm_raised', key: `alarm_raised:${standing.alarm.alarm_id}`, alarm: standing.alarm })
    }
    this.#untold = 0
  }

  /**
   * Takes over, after a stretch was worked out again, what the hubs were told before. An alarm that stood and stands (it may have begun at
   * another time now) is not told again; one that no longer stands is cleared, at the time that `clearedMs` knows or when it was raised.
   */
  inherit(before: StandingAlarms, clearedMs: ReadonlyMap<string, number>, tell: HubEvent[]): void {
    for (const [rule, { told }] of before.#byRule) {
      if (told === null) continue
      const standing = this.#byRule.get(rule)
      if (standing === undefined) tell.push(clearedEvent(told, Math.max(told.began_at_ms, clearedMs.get(rule) ?? told.raised_at_ms)))
      else {
        if (standing.told === null) this.#untold--
        standing.told = told
        this.#change(standing, standing.alarm, standing.alarm.raised_at_ms, tell)
      }
    }
  }

  /** The alarm has this class now; the hubs hear of it where they know the alarm, under the name that they know. */
  #change(standing: Standing, alarm: Alarm, at_ms: number, tell: HubEvent[]): void {
    standing.alarm = alarm
    const { told } = standing
    if (told === null || told.safety_class === alarm.safety_class) return
    standing.told = { ...told, safety_class: alarm.safety_class, evidence: alarm.evidence }
    const key = `alarm_changed:${told.alarm_id}:${at_ms}:${alarm.safety_class}`
    tell.push({ kind: 'alarm_changed', key, alarm: standing.told, from: told.safety_class, at_ms })
  }

  state(): StandingState {
    return [...this.#byRule]
  }
}

const clearedEvent = (alarm: Alarm, clearedMs: number): HubEvent => ({
  kind: 'alarm_cleared',
  key: `alarm_cleared:${alarm.alarm_id}`,
  alarm: { ...alarm, cleared_at_ms: clearedMs },
})
