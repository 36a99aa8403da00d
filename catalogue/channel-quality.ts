/** How the values of a channel are judged, as data of the catalogue (docs/quality.md). */

/** Parameters of the states of a channel; what is absent is not judged, except as `docs/quality.md` says of defaults. */
export interface ChannelQuality {
  /** Stuck: within `tolerance` of one value for `afterMs` of the device's active time although each driver moved so far meanwhile. */
  readonly stuck?: {
    readonly afterMs: number
    /** In the channel's unit; the sensor's step when absent. */
    readonly tolerance?: number
    readonly drivers: ReadonlyArray<{ readonly channel: string; readonly moves: number }>
    /** Staying at this value is rest and no fault, e.g. 0 of a fan that stands. */
    readonly restValue?: number
  }
  /** Implausible: a change faster than this, in the channel's unit a minute. */
  readonly ratePerMin_MAX?: number
  /** Implausible: a change between two readings larger than this, however long the time between them (15 minutes at most). */
  readonly change_MAX?: number
  /** Implausible: a value that departs from the ones before and after it by more than this to the same side, three times in six hours. */
  readonly spike_MAX?: number
  /** Comes with events, not at a period of its own, and so is never missing. */
  readonly isOnEvent?: boolean
  /** Class of the alarm that a state of this channel raises when a safety rule needs the channel; E2 when absent. */
  readonly alarmClass?: 'E1' | 'E2'
  /** False for commands and settings, whose distribution a firmware may change with good reason. */
  readonly isComparedAfterUpdate?: boolean
}
