/**
 * Silence as a signal, on the safety path: a unit of which nothing comes any more, and a safety channel that has stopped while its unit
 * still talks. A silent unit is judged by its neighbours: when most units of its outage area (or building) fell silent too, the area
 * is out and not the unit. Times are those of receipt, and only what the platform could have heard counts as silence: what it missed
 * while it was down does not. It reads no clock; the safety consumer asks `look` at its pace.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'

export interface Silence {
  /** Notes that something came of a unit; the alarm of its silence ends. */
  heard(message: Heard): readonly HubEvent[]
  /** Notes which safety channels a reading carries. */
  reading(reading: Reading): readonly HubEvent[]
  /** Events of what is silent at a time of the platform. */
  look(nowMs: number): readonly HubEvent[]
  /** From here on the platform hears; what it missed before is no silence of theirs. */
  listen(nowMs: number): void
  statistics(): { readonly silent_units: number; readonly silent_channels: number }
  snapshot(): unknown
  restore(state: unknown): void
}

interface Heard {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly received_at_ms: EpochMs
}

export interface SilenceParts {
  readonly types: (type: string) => ApplianceType | undefined
  /** What a unit shares its supply and network with; undefined where nobody said. */
  readonly areaOf: (tenant: string, device: string) => string | undefined
  /** Whether the unit is to be heard at all: it is registered and not revoked. */
  readonly isExpected: (tenant: string, device: string) => boolean
  readonly limits: Pick<Limits, 'deviceSilentMs' | 'silenceDecideMs'>
}

/** Rule ids of these alarms; the name of the channel follows the last. */
export const SILENCE_RULES = { unit: 'silence:unit', area: 'silence:area', channel: 'silence:channel:' } as const

/** Neighbours, the unit among them, that must be known, and the share of them that must be silent, for an area to be out (chosen). */
const NEIGHBOURS_MIN = 3
const OUT_SHARE_MIN = 0.6

interface Unit {
  readonly tenant: string
  readonly device: string
  type: string
  heardMs: number
  /** Last receipt of each safety channel of the type, 0 for one that never came. */
  channelMs: number[]
  /** Alarms that stand, by rule. */
  readonly standing: Map<string, Alarm>
}

interface Plan {
  readonly names: readonly string[]
  readonly columns: readonly number[]
  readonly classes: readonly SafetyClass[]
}

const NONE: readonly HubEvent[] = []

type SavedUnit = readonly [tenant: string, device: string, type: string, heardMs: number, channelMs: readonly number[], standing: readonly Alarm[]]

/** Creates the book of who was heard when. */
export const createSilence = (parts: SilenceParts): Silence => new SilenceBook(parts)

class SilenceBook implements Silence {
  readonly #parts: SilenceParts
  readonly #units = new DeviceMap<Unit>()
  readonly #plans = new Map<string, Plan>()
  #sinceMs = 0

  constructor(parts: SilenceParts) {
    this.#parts = parts
  }

  heard(message: Heard): readonly HubEvent[] {
    const unit = this.#unitOf(message)
    const { received_at_ms: atMs } = message
    if (atMs > unit.heardMs) unit.heardMs = atMs
    if (unit.standing.size === 0) return NONE
    return [...end(unit, SILENCE_RULES.unit, atMs), ...end(unit, SILENCE_RULES.area, atMs)]
  }

  reading(reading: Reading): readonly HubEvent[] {
    const unit = this.#unitOf(reading)
    const { columns, names } = this.#planOf(reading.type)
    let events = NONE
    for (let index = 0; index < columns.length; index++) {
      if (Number.isNaN(reading.numbers[columns[index] ?? -1] ?? Number.NaN)) continue
      unit.channelMs[index] = reading.received_at_ms
      if (unit.standing.size > 0) events = [...events, ...end(unit, `${SILENCE_RULES.channel}${names[index]}`, reading.received_at_ms)]
    }
    return events
  }

  look(nowMs: number): readonly HubEvent[] {
    const { deviceSilentMs, silenceDecideMs } = this.#parts.limits
    const all = this.#expected()
    const silent = new Set(all.filter((unit) => this.#silentMs(unit.heardMs, nowMs) > deviceSilentMs))
    const areas = this.#countAreas(all, silent)
    return all.flatMap((unit) => {
      if (!silent.has(unit)) return this.#lookAtChannels(unit, nowMs)
      // Neighbours report at other moments of their period: a while later it is known whether they are silent, too.
      return this.#silentMs(unit.heardMs, nowMs) > deviceSilentMs + silenceDecideMs ? this.#lookAtUnit(unit, nowMs, areas) : NONE
    })
  }

  listen(nowMs: number): void {
    this.#sinceMs = nowMs
  }

  statistics(): ReturnType<Silence['statistics']> {
    const rules = this.#units.values().flatMap(({ standing }) => [...standing.keys()])
    const silent_channels = rules.filter((rule) => rule.startsWith(SILENCE_RULES.channel)).length
    return { silent_units: rules.length - silent_channels, silent_channels }
  }

  snapshot(): readonly SavedUnit[] {
    return this.#units.values().map(({ tenant, device, type, heardMs, channelMs, standing }) => {
      return [tenant, device, type, heardMs, Array.from(channelMs, (ms) => ms ?? 0), [...standing.values()]]
    })
  }

  restore(state: unknown): void {
    this.#units.clear()
    for (const [tenant, device, type, heardMs, channelMs, standing] of state as readonly SavedUnit[]) {
      const unit = this.#unitOf({ tenant, device, type, received_at_ms: epochMs(heardMs) })
      unit.channelMs = [...channelMs]
      for (const alarm of standing) unit.standing.set(alarm.rule, alarm)
    }
  }

  #planOf(id: string): Plan {
    const known = this.#plans.get(id)
    if (known !== undefined) return known
    const type = this.#parts.types(id)
    const plan = planFor(type)
    // A type that is registered later is looked for again.
    if (type !== undefined) this.#plans.set(id, plan)
    return plan
  }

  #unitOf({ tenant, device, type, received_at_ms }: Heard): Unit {
    const known = this.#units.get(tenant, device)
    if (known !== undefined) return known.type === type ? known : Object.assign(known, { type, channelMs: [] })
    const unit: Unit = { tenant, device, type, heardMs: received_at_ms, channelMs: [], standing: new Map() }
    this.#units.set(tenant, device, unit)
    return unit
  }

  /** Units that are to be heard; those that were revoked or erased are forgotten. */
  #expected(): Unit[] {
    for (const unit of this.#units.values()) {
      if (this.#parts.isExpected(unit.tenant, unit.device)) continue
      this.#units.delete(unit.tenant, unit.device)
    }
    return this.#units.values()
  }

  #silentMs(atMs: number, nowMs: number): number {
    return nowMs - Math.max(atMs, this.#sinceMs)
  }

  #areaOf({ tenant, device }: Unit): string | undefined {
    const area = this.#parts.areaOf(tenant, device)
    return area === undefined ? undefined : `${tenant}/${area}`
  }

  #countAreas(units: readonly Unit[], silent: ReadonlySet<Unit>): Areas {
    const areas: Areas = new Map()
    for (const unit of units) {
      const key = this.#areaOf(unit)
      if (key === undefined) continue
      const area = areas.get(key) ?? { known: 0, silent: 0 }
      areas.set(key, { known: area.known + 1, silent: area.silent + (silent.has(unit) ? 1 : 0) })
    }
    return areas
  }

  #lookAtUnit(unit: Unit, nowMs: number, areas: Areas): readonly HubEvent[] {
    const { known, silent } = areas.get(this.#areaOf(unit) ?? '') ?? { known: 1, silent: 1 }
    const isOut = known >= NEIGHBOURS_MIN && silent / known >= OUT_SHARE_MIN
    const [rule, other] = isOut ? [SILENCE_RULES.area, SILENCE_RULES.unit] : [SILENCE_RULES.unit, SILENCE_RULES.area]
    if (unit.standing.has(rule)) return NONE
    const safetyClass = isOut ? 'E4' : this.#planOf(unit.type).names.length > 0 ? 'E2' : 'E3'
    const evidence = [
      { condition: 'silent units of its area', value: silent, unit: 'count' },
      { condition: 'known units of its area', value: known, unit: 'count' },
    ]
    const title = isOut ? 'Silent with its neighbours: supply or network of the area is out' : 'Nothing comes from the unit alone'
    const fault = isOut ? null : faultOf(this.#parts.types(unit.type), 'XX-03')
    return [...end(unit, other, nowMs), begin(unit, { rule, safetyClass, title, fault, evidence, sinceMs: unit.heardMs, nowMs })]
  }

  #lookAtChannels(unit: Unit, nowMs: number): readonly HubEvent[] {
    const { names, classes } = this.#planOf(unit.type)
    return names.flatMap((name, index): readonly HubEvent[] => {
      const sinceMs = unit.channelMs[index] ?? 0
      const rule = `${SILENCE_RULES.channel}${name}`
      if (sinceMs === 0 || unit.standing.has(rule) || this.#silentMs(sinceMs, nowMs) <= this.#parts.limits.deviceSilentMs) return NONE
      const evidence = [{ condition: `${name} has not come for`, value: Math.round((nowMs - sinceMs) / 1_000), unit: 's' }]
      const title = `Safety sensor ${name} is silent while the unit talks`
      const fault = faultOf(this.#parts.types(unit.type), 'XX-02')
      return [begin(unit, { rule, safetyClass: classes[index] ?? 'E2', title, fault, evidence, sinceMs, nowMs })]
    })
  }
}

type Areas = Map<string, { readonly known: number; readonly silent: number }>

/** Safety channels that come at a period of their own; one that comes with events cannot be missed. */
function planFor(type: ApplianceType | undefined): Plan {
  const channels = type?.channels.filter(({ isSafety, kind, quality }) => isSafety && kind !== 'text' && quality?.isOnEvent !== true) ?? []
  const indexOf = type === undefined ? undefined : readingLayout(type).indexOf
  return {
    names: channels.map(({ name }) => name),
    columns: channels.map(({ name }) => indexOf?.get(name) ?? -1),
    classes: channels.map(({ quality }) => quality?.alarmClass ?? 'E2'),
  }
}

const faultOf = (type: ApplianceType | undefined, code: string): string | null =>
  type?.faults.some((fault) => fault.code === code) === true ? code : null

interface Beginning {
  readonly rule: string
  readonly safetyClass: SafetyClass
  readonly title: string
  readonly fault: string | null
  readonly evidence: Alarm['evidence']
  /** Receipt of what came last. */
  readonly sinceMs: number
  readonly nowMs: number
}

function begin(unit: Unit, { rule, safetyClass, title, fault, evidence, sinceMs, nowMs }: Beginning): HubEvent {
  const { tenant, device, type } = unit
  const alarm: Alarm = {
    alarm_id: contentId('alarm', tenant, device, rule, sinceMs),
    ...{ tenant, device, type, rule, rule_version: 1, safety_class: safetyClass, fault, title, evidence },
    ...{ began_at_ms: sinceMs, raised_at_ms: nowMs, received_at_ms: nowMs, cleared_at_ms: null },
  }
  unit.standing.set(rule, alarm)
  return { kind: 'alarm_raised', key: `alarm_raised:${alarm.alarm_id}`, alarm }
}

function end(unit: Unit, rule: string, atMs: number): HubEvent[] {
  const alarm = unit.standing.get(rule)
  if (alarm === undefined) return []
  unit.standing.delete(rule)
  return [{ kind: 'alarm_cleared', key: `alarm_cleared:${alarm.alarm_id}`, alarm: { ...alarm, cleared_at_ms: Math.max(atMs, alarm.began_at_ms) } }]
}
