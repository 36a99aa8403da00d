/**
 * What an organisation may set about the hubs, as data: when a diagnosis is worth a visit, and how long a cause stays quiet after an
 * order for it was settled. All times are device time. The values are chosen; the alert budget replaces the fixed threshold later.
 */
export interface HubPolicy {
  readonly version: number
  /** A diagnosis opens or amends an order when its probability is at least this. */
  readonly diagnosisProbability_MIN: number
  /** After `done` a diagnosis younger than this is the unit settling, not a failed repair. */
  readonly quietAfterDoneMs: number
  /** After `cancelled` or `closed` the same cause does not open an order again for this long. */
  readonly quietAfterFinalMs: number
  /** A danger that began longer than this before it was received is past: it opens a case and an order, but warns nobody at once. */
  readonly pastDangerMs: number
  /** An order that nobody has promised to serve is cancelled when the model finds no fault for this long. */
  readonly recoveredAfterMs: number
  /** What household and appliance can do is offered before a visit. */
  readonly remoteFirst: boolean
}

const HOUR_MS = 3_600_000

export const standardPolicy: HubPolicy = {
  version: 1,
  diagnosisProbability_MIN: 0.6,
  quietAfterDoneMs: 24 * HOUR_MS,
  quietAfterFinalMs: 14 * 24 * HOUR_MS,
  pastDangerMs: 24 * HOUR_MS,
  recoveredAfterMs: 48 * HOUR_MS,
  remoteFirst: true,
}
