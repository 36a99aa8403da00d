/**
 * What judging the quality of a type's readings needs, worked out once a type: one slot for each number and claim channel, with its
 * column and its bounds in typed arrays. Channels without a quality section get the defaults that need no knowledge of the sensor.
 */
import { type ApplianceType, type Channel, type PhysicalIdentity, readingLayout } from '#catalogue/appliance-type.ts'

/** How a channel is compared after an update: by factors of its value, as a temperature, or not at all. */
export const COMPARED_NOT = 0
export const COMPARED_BY_FACTOR = 1
export const COMPARED_AS_TEMPERATURE = 2

export interface StuckPlan {
  readonly afterMs: number
  readonly drivers: ReadonlyArray<{ readonly driver: number; readonly channel: string; readonly moves: number }>
  readonly restValue: number
}

export interface IdentityPlan {
  readonly identity: PhysicalIdentity
  /** Column of the condition. */
  readonly column: number
  /** Slots of the channels that may drift by it, with the tolerance of each, in its residual's unit. */
  readonly members: ReadonlyArray<{ readonly slot: number; readonly tolerance: number }>
  /** Slots of the result and the factors of a product; empty for equality. */
  readonly product: readonly number[]
  readonly centre: number
  /** First place of its cells in the device's memory. */
  readonly at: number
}

export interface QualityPlan {
  readonly type: ApplianceType
  /** Changes when the memory of a device would mean something else. */
  readonly shape: string
  readonly slots: number
  readonly channels: readonly Channel[]
  /** Column of each slot, and that of its min, behind which lies that of its max; -1 for none. */
  readonly columns: Int32Array
  readonly minimums: Int32Array
  readonly tolerance: Float64Array
  /** Largest believable change a millisecond; infinite where nothing is known. */
  readonly rate: Float64Array
  /** Largest believable change between two readings, and departure from both neighbours. */
  readonly changeMax: Float64Array
  readonly spikeMax: Float64Array
  /** A change up to this is believed however fast it is. */
  readonly rateFloor: Float64Array
  readonly stuck: ReadonlyArray<StuckPlan | undefined>
  /** Whether the default test for stuck values runs: no quality section says otherwise. */
  readonly isStuckByDefault: Uint8Array
  readonly isOnEvent: Uint8Array
  readonly comparison: Uint8Array
  /** Slots whose movement is followed. */
  readonly drivers: readonly number[]
  readonly identities: readonly IdentityPlan[]
  readonly identityCells: number
  /** Column that tells running from resting, for comparing like with like; -1 = all are alike. */
  readonly conditionColumn: number
  readonly conditionAbove: number
}

/** Steps of the sensor by which a value may jump however short the time. */
const FLOOR_STEPS = 10

/** Cells of one member of an identity; see `identities.ts`. */
export const MEMBER_CELLS = 7
/** Cells of an identity itself: active time since its condition holds, ticks in the block. */
export const IDENTITY_CELLS = 2

const plans = new WeakMap<ApplianceType, QualityPlan>()

/** Plan of a type; kept as long as the type's record is. */
export function qualityPlan(type: ApplianceType): QualityPlan {
  const known = plans.get(type)
  if (known !== undefined) return known
  const plan = compile(type)
  plans.set(type, plan)
  return plan
}

function compile(type: ApplianceType): QualityPlan {
  const layout = readingLayout(type)
  const channels = type.channels.filter((channel) => channel.kind !== 'text')
  const slotOf = (name: string): number => channels.findIndex((channel) => channel.name === name)
  const drivers: number[] = []
  const driverOf = (name: string): number => {
    const slot = slotOf(name)
    if (!drivers.includes(slot)) drivers.push(slot)
    return drivers.indexOf(slot)
  }
  const stuck = channels.map(({ quality }): StuckPlan | undefined => {
    if (quality?.stuck === undefined) return undefined
    const { afterMs, drivers: given, restValue = Number.NaN } = quality.stuck
    return { afterMs, restValue, drivers: given.map(({ channel, moves }) => ({ driver: driverOf(channel), channel, moves })) }
  })
  let identityCells = 0
  const identities = (type.identities ?? []).map((identity): IdentityPlan => {
    const { relation } = identity
    const members =
      'equal' in relation
        ? relation.equal.map(({ channel, tolerance }) => ({ slot: slotOf(channel), tolerance }))
        : relation.suspects.map((channel) => ({ slot: slotOf(channel), tolerance: relation.tolerance }))
    const at = identityCells
    identityCells += IDENTITY_CELLS + members.length * MEMBER_CELLS
    return {
      identity,
      column: layout.indexOf.get(identity.when.channel) ?? -1,
      members,
      product: 'equal' in relation ? [] : [relation.result, ...relation.factors].map(slotOf),
      centre: 'equal' in relation ? 0 : relation.centre,
      at,
    }
  })
  const running = type.recipe?.running
  return {
    type,
    shape: JSON.stringify([type.id, channels.map(({ name, unit }) => [name, unit]), type.identities ?? [], drivers]),
    slots: channels.length,
    channels,
    columns: Int32Array.from(channels, ({ name }) => layout.indexOf.get(name) ?? -1),
    minimums: Int32Array.from(channels, ({ name }) => layout.indexOf.get(`${name}_min`) ?? -1),
    tolerance: Float64Array.from(channels, ({ step, quality }) => quality?.stuck?.tolerance ?? step),
    rate: Float64Array.from(channels, ({ quality }) => (quality?.ratePerMin_MAX ?? Number.POSITIVE_INFINITY) / 60_000),
    changeMax: Float64Array.from(channels, ({ quality }) => quality?.change_MAX ?? Number.POSITIVE_INFINITY),
    spikeMax: Float64Array.from(channels, ({ quality }) => quality?.spike_MAX ?? Number.POSITIVE_INFINITY),
    rateFloor: Float64Array.from(channels, ({ step }) => step * FLOOR_STEPS),
    stuck,
    isStuckByDefault: Uint8Array.from(channels, ({ kind, quality }) => (kind === 'number' && quality === undefined ? 1 : 0)),
    isOnEvent: Uint8Array.from(channels, ({ quality }) => (quality?.isOnEvent === true ? 1 : 0)),
    comparison: Uint8Array.from(channels, comparisonOf),
    drivers,
    identities,
    identityCells,
    conditionColumn: running === undefined ? -1 : (layout.indexOf.get(running.channel) ?? -1),
    conditionAbove: running?.above ?? 0,
  }
}

function comparisonOf({ kind, unit, quality }: Channel): number {
  if (kind !== 'number' || quality?.isComparedAfterUpdate === false) return COMPARED_NOT
  return unit === 'c' || unit === 'k' ? COMPARED_AS_TEMPERATURE : COMPARED_BY_FACTOR
}
