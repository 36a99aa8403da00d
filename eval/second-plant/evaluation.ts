/**
 * Seeds and places of the fleets that evaluation runs on the second plants, frozen with them: no seed and no climate of training.
 * Households and supplies of a fleet follow from its seed; `seasonShiftDays` puts the southern place into another season.
 */

/** Fleets of the evaluation, one a seed. They are never used to choose anything. */
export const SECOND_SEEDS = ['second-a', 'second-b', 'second-c'] as const

/** Climates that no fleet of training has, by the shape of the simulator's `City`. */
export const SECOND_CITIES = [
  { name: 'delta', meanC: 21.5, seasonC: 8, dayK: 3, humidity: 0.95, utcOffsetH: 7 },
  { name: 'steppe', meanC: 13, seasonC: 16.5, dayK: 8, humidity: 0.6, utcOffsetH: 6 },
  { name: 'gulf', meanC: 26, seasonC: 9, dayK: 6, humidity: 0.72, utcOffsetH: 3 },
  { name: 'meseta', meanC: 15.5, seasonC: 10.5, dayK: 7.5, humidity: 0.68, utcOffsetH: 1 },
  { name: 'cape', meanC: 18, seasonC: 5, dayK: 5, humidity: 0.8, utcOffsetH: 2, seasonShiftDays: 182 },
] as const
