/**
 * When a repair counts as verified or as failed, as data by type of appliance: how long the windows behind it are awaited, how many of them
 * must speak, and how sure the answer must be. The values are chosen from the cycle of use of each type; a site sets others by
 * another table with another version.
 */

export interface VerifyBounds {
  /** Time behind `done` in which the residuals must be back to normal. */
  readonly within_ms: number
  /** A window counts when it began at least this long behind `done`: the unit settles. */
  readonly settle_ms: number
  /** Windows behind the repair that must speak before anything is decided. */
  readonly windows_MIN: number
  /** Time that the condition of a rule must stay away, for faults that rules find. */
  readonly rule_quiet_ms: number
}

export interface VerifyPolicy {
  readonly version: number
  /** Share of visits that leave the fault, before any window spoke. */
  readonly failed_prior: number
  /** Chance of an error that is allowed when an order is reopened, and when a repair is called good. */
  readonly reopen_error: number
  readonly verify_error: number
  /** Time without a call of the household after which a unit that cannot be measured counts as repaired. */
  readonly contact_quiet_ms: number
  readonly standard: VerifyBounds
  readonly types: Readonly<Record<string, Partial<VerifyBounds>>>
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const standardVerifyPolicy: VerifyPolicy = {
  version: 1,
  failed_prior: 0.1,
  reopen_error: 0.02,
  verify_error: 0.05,
  contact_quiet_ms: 30 * DAY_MS,
  standard: { within_ms: 10 * DAY_MS, settle_ms: 0, windows_MIN: 3, rule_quiet_ms: 3 * DAY_MS },
  types: {
    air_conditioner: { within_ms: 7 * DAY_MS, windows_MIN: 4 },
    fridge: { within_ms: 5 * DAY_MS, settle_ms: 6 * HOUR_MS, windows_MIN: 4 },
    gas_water_heater: { within_ms: 7 * DAY_MS, windows_MIN: 3 },
    washing_machine: { within_ms: 14 * DAY_MS, windows_MIN: 3 },
    heat_pump_dryer: { within_ms: 14 * DAY_MS, windows_MIN: 3 },
  },
}

/** Bounds of a type: its own over the standard. */
export const boundsOf = (policy: VerifyPolicy, type: string): VerifyBounds => ({ ...policy.standard, ...policy.types[type] })
