/** What a simulated fleet is asked for. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { PlantModel } from '#catalogue/plant.ts'
import type { Confuser } from './confusers.ts'
import type { City } from './weather.ts'

export interface FleetOptions {
  readonly type: ApplianceType
  readonly units: number
  /** Plants by type id; those of the catalogue when not given. */
  readonly plants?: ReadonlyMap<string, PlantModel>
  readonly seed: string
  readonly startMs: number
  /** Share of the units that have a fault at some time, 0..1; not used with `wear`. */
  readonly faultShare: number
  readonly samplePeriodMs: number
  readonly tenant: string
  /** Readings gathered into one array payload; 1 = each its own object. */
  readonly readingsPerPayload?: number
  /** Onsets are spread over this span from the start; 21 days when not given. */
  readonly onsetSpanMs?: number
  /** Multiplies the time that faults take to grow; 1 when not given. */
  readonly growthScale?: number
  /** Faults to draw from; all that the plant can show when not given. `XX-03` (silent unit) occurs only when it is asked for here. */
  readonly faults?: readonly string[]
  /** Channels sent as {min, mean, max}. */
  readonly aggregated?: readonly string[]
  /** Climates of the units, one after the other; all of `CITIES` when not given. */
  readonly cities?: readonly City[]
  /** A firmware that units get at a time, and what it does to a channel. */
  readonly update?: FirmwareUpdate
  /** First part of device ids; `<prefix>-0001` and so on. By type when not given. */
  readonly devicePrefix?: string
  /** Homes that are skipped: a fleet cut into slices has the same units as in one piece. */
  readonly firstHome?: number
  /** What looks like a fault and is none; that of ordinary life (`CONFUSERS_OF_LIFE`) when not given. */
  readonly confusers?: readonly Confuser[]
  /** How often confusers occur against ordinary life; 1 when not given. */
  readonly confuserRate?: number
  /** Onsets by the life models of the catalogue instead of for a share of the units, over so many days from the start. */
  readonly wear?: { readonly days: number; readonly acceleration?: number; readonly repairDays?: readonly [number, number] }
  /** A batch (`B01` to `B12`) that has a fault more often. */
  readonly badBatch?: { readonly batch: string; readonly fault: string; readonly hazardRatio: number }
  /** A firmware (`2.4.1`, `2.5.0` or that of `update`) that brings a fault more often. */
  readonly badFirmware?: { readonly fw: string; readonly fault: string; readonly hazardRatio: number }
}

/** A firmware update; one that rescales sends value x factor + offset from then on, as when a maker changes a unit. */
export interface FirmwareUpdate {
  readonly atMs: number
  readonly fw: string
  /** Only units that had this version get it; all when not given. */
  readonly fromFw?: string
  readonly rescale?: { readonly channel: string; readonly factor: number; readonly offset: number }
}
