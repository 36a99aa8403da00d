/** Life of what fails, as a Weibull distribution with covariates: data of the catalogue, read by the hazard models. */

/** Circumstances that make a fault come sooner or later. Value: what one step of it is. */
export const LIFE_COVARIATES = {
  running_h_per_day: 'hours of running a day',
  cycles_per_week: 'cycles a week',
  starts_per_day: 'starts a day',
  outdoor_summer_c: 'mean outdoor temperature of the warmest month, °C',
  room_humidity_pct: 'mean humidity of the room, %',
  is_coastal: 'sea within 5 km: 1, else 0',
  dust_level: 'dust, pets, kitchen grease: 0 none, 1 usual, 2 much',
  water_hardness_mmol_l: 'hardness of the water, mmol/L',
  mains_sags_per_month: 'sags of the mains below 85 % a month',
  outlet_temperature_c: 'usual outlet temperature, °C',
} as const

/** Least and greatest value of each that can be. */
export const LIFE_COVARIATE_BOUNDS: Readonly<Record<LifeCovariate, readonly [least: number, greatest: number]>> = {
  running_h_per_day: [0, 24],
  cycles_per_week: [0, 500],
  starts_per_day: [0, 1_000],
  outdoor_summer_c: [-60, 60],
  room_humidity_pct: [0, 100],
  is_coastal: [0, 1],
  dust_level: [0, 2],
  water_hardness_mmol_l: [0, 20],
  mains_sags_per_month: [0, 1_000],
  outlet_temperature_c: [0, 100],
}

export type LifeCovariate = keyof typeof LIFE_COVARIATES

/** Weibull life; a covariate multiplies the hazard by `hazardRatio` for each `per` that it lies above `reference`. */
export interface LifeModel {
  readonly shape: number
  readonly scaleYears: number
  readonly covariates?: ReadonlyArray<{
    readonly covariate: LifeCovariate
    readonly reference: number
    readonly per: number
    readonly hazardRatio: number
    /** Code of docs/sources.md or `EJ`. */
    readonly source: string
  }>
}
