/** Quality sections of a user's own type, as `POST /api/v1/types` takes them, into those of the catalogue and back. */
import type { Channel, PhysicalIdentity } from './appliance-type.ts'
import type { ChannelQuality } from './channel-quality.ts'

export interface NewQuality {
  /** Seconds of the device's active time at one value, give or take `stuck_tolerance`, that make it stuck while each driver moved so far. */
  readonly stuck_after_s?: number | undefined
  readonly stuck_tolerance?: number | undefined
  readonly stuck_drivers?: ReadonlyArray<{ readonly channel: string; readonly moves: number }> | undefined
  readonly rate_per_min_max?: number | undefined
  readonly change_max?: number | undefined
  readonly spike_max?: number | undefined
  readonly on_event?: boolean | undefined
  readonly compared_after_update?: boolean | undefined
}

/** Channels that are equal while a condition holds. */
export interface NewIdentity {
  readonly id: string
  readonly equal: ReadonlyArray<{ readonly channel: string; readonly tolerance: number }>
  readonly when: { readonly channel: string; readonly op: '<=' | '>'; readonly value: number; readonly settle_s: number }
  readonly spread: number
}

/** The quality section of a channel, as a field to spread. */
export function qualityOf(given: NewQuality | undefined): Pick<Channel, 'quality'> {
  if (given === undefined) return {}
  const { stuck_after_s, stuck_tolerance, stuck_drivers = [], rate_per_min_max, change_max, spike_max, on_event, compared_after_update } = given
  const tolerance = stuck_tolerance === undefined ? {} : { tolerance: stuck_tolerance }
  const quality: ChannelQuality = {
    ...(stuck_after_s === undefined ? {} : { stuck: { afterMs: stuck_after_s * 1_000, drivers: stuck_drivers, ...tolerance } }),
    ...(rate_per_min_max === undefined ? {} : { ratePerMin_MAX: rate_per_min_max }),
    ...(change_max === undefined ? {} : { change_MAX: change_max }),
    ...(spike_max === undefined ? {} : { spike_MAX: spike_max }),
    ...(on_event === undefined ? {} : { isOnEvent: on_event }),
    ...(compared_after_update === undefined ? {} : { isComparedAfterUpdate: compared_after_update }),
  }
  return { quality }
}

/** The section as it was given. */
export function newQualityOf({ quality }: Channel): { readonly quality?: NewQuality } {
  if (quality === undefined) return {}
  const { stuck, ratePerMin_MAX, change_MAX, spike_MAX, isOnEvent, isComparedAfterUpdate } = quality
  return {
    quality: {
      stuck_after_s: stuck === undefined ? undefined : stuck.afterMs / 1_000,
      stuck_tolerance: stuck?.tolerance,
      stuck_drivers: stuck?.drivers,
      rate_per_min_max: ratePerMin_MAX,
      change_max: change_MAX,
      spike_max: spike_MAX,
      on_event: isOnEvent,
      compared_after_update: isComparedAfterUpdate,
    },
  }
}

export const identityOf = ({ id, equal, when, spread }: NewIdentity): PhysicalIdentity => ({
  id,
  description: { en: id, 'zh-CN': id },
  relation: { equal },
  when: { channel: when.channel, op: when.op, value: when.value, settleMs: when.settle_s * 1_000 },
  spread,
  source: 'given with the type',
})

/** The identity as it was given; own types have equalities only. */
export const newIdentityOf = ({ id, relation, when, spread }: PhysicalIdentity): NewIdentity => ({
  id,
  equal: 'equal' in relation ? relation.equal : [],
  when: { channel: when.channel, op: when.op, value: when.value, settle_s: when.settleMs / 1_000 },
  spread,
})
