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
  /** The rules have changed: what they ask for is looked up again. What was heard of channels that are still asked for stays. */
  forget(): void
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
  /** Channels beside the safety channels of the type that rules for danger of a tenant ask for, with the class of their silence; absent: none. */
  readonly askedFor?: (tenant: string, type: ApplianceType) => ReadonlyMap<string, SafetyClass>
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
  /** What is listened for, as it was looked up last. */
  plan: Plan
  /** Last receipt of each channel of the plan, 0 for one that never came. */
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

const NO_PLAN: Plan = { names: [], columns: [], classes: [] }

type SavedUnit = readonly [
  tenant: string,
  device: string,
  type: string,
  heardMs: number,
  channelMs: readonly number[],
  standing: readonly Alarm[],
  names?: readonly string[],
]

/** Creates the book of who was heard when. */
export const createSilence = (parts: SilenceParts): Silence => new SilenceBook(parts)

class SilenceBook implements Silence {
  readonly #parts: SilenceParts
  readonly #units = new DeviceMap<Unit>()
  /** By tenant and type. */
  readonly #plans = new Map<string, Map<string, Plan>>()
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
    const { columns, names } = this.#planOf(unit)
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

  forget(): void {
    this.#plans.clear()
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
    return this.#units.values().map((unit) => {
      const { tenant, device, type, heardMs, standing } = unit
      const { names } = this.#planOf(unit)
      return [tenant, device, type, heardMs, names.map((_, index) => unit.channelMs[index] ?? 0), [...standing.values()], names]
    })
  }

  restore(state: unknown): void {
    this.#units.clear()
    for (const [tenant, device, type, heardMs, channelMs, standing, names] of state as readonly SavedUnit[]) {
      const unit = this.#unitOf({ tenant, device, type, received_at_ms: epochMs(heardMs) })
      // Versions before saved no names: what was listened for were the safety channels of the type, which stand first.
      const places = this.#planOf(unit).names.map((name, index) => (names === undefined ? index : names.indexOf(name)))
      unit.channelMs = places.map((place) => channelMs[place] ?? 0)
      for (const alarm of standing) unit.standing.set(alarm.rule, alarm)
    }
  }

  /** What is listened for of a unit; after a change of the rules, times of channels that are still listened for go along. */
  #planOf(unit: Unit): Plan {
    const plan = this.#plans.get(unit.tenant)?.get(unit.type) ?? this.#lookUp(unit)
    if (plan === unit.plan) return plan
    const { names } = unit.plan
    unit.channelMs = plan.names.map((name) => unit.channelMs[names.indexOf(name)] ?? 0)
    unit.plan = plan
    return plan
  }

  #lookUp({ tenant, type: id }: Unit): Plan {
    const type = this.#parts.types(id)
    // A type that is registered later is looked for again.
    if (type === undefined) return NO_PLAN
    const plan = planFor(type, this.#parts.askedFor?.(tenant, type) ?? new Map())
    const own = this.#plans.get(tenant) ?? new Map<string, Plan>()
    this.#plans.set(tenant, own.set(id, plan))
    return plan
  }

  #unitOf({ tenant, device, type, received_at_ms }: Heard): Unit {
    const known = this.#units.get(tenant, device)
    if (known !== undefined) return known.type === type ? known : Object.assign(known, { type, plan: NO_PLAN, channelMs: [] })
    const unit: Unit = { tenant, device, type, heardMs: received_at_ms, plan: NO_PLAN, channelMs: [], standing: new Map() }
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
    const safetyClass = isOut ? 'E4' : this.#planOf(unit).names.length > 0 ? 'E2' : 'E3'
    const evidence = [
      { condition: 'silent units of its area', value: silent, unit: 'count' },
      { condition: 'known units of its area', value: known, unit: 'count' },
    ]
    const title = isOut ? 'Silent with its neighbours: supply or network of the area is out' : 'Nothing comes from the unit alone'
    const fault = isOut ? null : faultOf(this.#parts.types(unit.type), 'XX-03')
    return [...end(unit, other, nowMs), begin(unit, { rule, safetyClass, title, fault, evidence, sinceMs: unit.heardMs, nowMs })]
  }

  #lookAtChannels(unit: Unit, nowMs: number): readonly HubEvent[] {
    const { names, classes } = this.#planOf(unit)
    const left = [...unit.standing.keys()].filter(
      (rule) => rule.startsWith(SILENCE_RULES.channel) && !names.includes(rule.slice(SILENCE_RULES.channel.length)),
    )
    // Nobody asks for these any more: nothing that comes would end their alarms.
    const ended = left.flatMap((rule) => end(unit, rule, nowMs))
    const begun = names.flatMap((name, index): readonly HubEvent[] => {
      const sinceMs = unit.channelMs[index] ?? 0
      const rule = `${SILENCE_RULES.channel}${name}`
      if (sinceMs === 0 || unit.standing.has(rule) || this.#silentMs(sinceMs, nowMs) <= this.#parts.limits.deviceSilentMs) return NONE
      const evidence = [{ condition: `${name} has not come for`, value: Math.round((nowMs - sinceMs) / 1_000), unit: 's' }]
      const title = `Safety sensor ${name} is silent while the unit talks`
      const fault = faultOf(this.#parts.types(unit.type), 'XX-02')
      return [begin(unit, { rule, safetyClass: classes[index] ?? 'E2', title, fault, evidence, sinceMs, nowMs })]
    })
    return [...ended, ...begun]
  }
}

type Areas = Map<string, { readonly known: number; readonly silent: number }>

/** Safety channels, and those that are asked for, that come at a period of their own; one that comes with events cannot be missed. */
function planFor(type: ApplianceType, asked: ReadonlyMap<string, SafetyClass>): Plan {
  const all = type.channels.filter(({ kind, quality }) => kind !== 'text' && quality?.isOnEvent !== true)
  const channels = [...all.filter(({ isSafety }) => isSafety), ...all.filter(({ name, isSafety }) => !isSafety && asked.has(name))]
  const { indexOf } = readingLayout(type)
  return {
    names: channels.map(({ name }) => name),
    columns: channels.map(({ name }) => indexOf.get(name) ?? -1),
    classes: channels.map(({ name, quality }) => quality?.alarmClass ?? asked.get(name) ?? 'E2'),
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
