/** How a user's own type learns the normal of its devices, as `POST /api/v1/types` takes it, into the catalogue's form. */
import type { ApplianceType } from './appliance-type.ts'

export interface NewLearnNormal {
  readonly enabled?: boolean | undefined
  readonly learn_readings?: number | undefined
  readonly step_s?: number | undefined
  readonly alerts_per_1000_unit_weeks?: number | undefined
}

/** As a field to spread. */
export function learnNormalOf(given: NewLearnNormal | undefined): Pick<ApplianceType, 'learnNormal'> {
  if (given === undefined) return {}
  const { enabled, learn_readings, step_s, alerts_per_1000_unit_weeks } = given
  return {
    learnNormal: {
      ...(enabled === undefined ? {} : { isEnabled: enabled }),
      ...(learn_readings === undefined ? {} : { learnReadings: learn_readings }),
      ...(step_s === undefined ? {} : { stepMs: step_s * 1_000 }),
      ...(alerts_per_1000_unit_weeks === undefined ? {} : { alertsPer1000UnitWeeks: alerts_per_1000_unit_weeks }),
    },
  }
}

/** As it was given. */
export function newLearnNormalOf({
  isEnabled,
  learnReadings,
  stepMs,
  alertsPer1000UnitWeeks,
}: NonNullable<ApplianceType['learnNormal']>): NewLearnNormal {
  return {
    enabled: isEnabled,
    learn_readings: learnReadings,
    step_s: stepMs === undefined ? undefined : stepMs / 1_000,
    alerts_per_1000_unit_weeks: alertsPer1000UnitWeeks,
  }
}
