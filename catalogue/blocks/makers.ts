/** Makers of what stands in a type's lists of faults, steps and features, so that the lists read as tables. Numbers without a source are EJ. */
import { unitOfName } from '#kernel/units.ts'
import type { Derivation, Fault, FaultSign, FeatureDefinition, RepairStep, Text } from '../appliance-type.ts'
import type { LifeCovariate, LifeModel } from '../life.ts'

export const words = (en: string, zhCn: string): Text => ({ en, 'zh-CN': zhCn })

const sign =
  (direction: FaultSign['direction']) =>
  (feature: string, en: string, zhCn: string): FaultSign => ({ feature, direction, text: words(en, zhCn) })
export const up = sign(1)
export const down = sign(-1)
export const same = sign(0)
export const moved = sign('either')

export const ask = (rivals: readonly string[], en: string, zhCn: string): Fault['questions'][number] => ({ rivals, text: words(en, zhCn) })

export const need = (part: string, probability: number, quantity = 1): Fault['parts'][number] => ({ part, quantity, probability })

type Covariates = NonNullable<LifeModel['covariates']>

/** Weibull life with covariates of engineering judgement. */
export const life = (shape: number, scaleYears: number, covariates: Covariates = []): LifeModel => ({ shape, scaleYears, covariates })

/** Hazard ratio for each `per` above `reference`. */
export const hazard = (
  covariate: LifeCovariate,
  hazardRatio: number,
  { reference, per }: { readonly reference: number; readonly per: number },
): Covariates[number] => ({
  covariate,
  reference,
  per,
  hazardRatio,
  source: 'EJ',
})

export const step = (
  id: string,
  text: Text,
  more: { readonly tools: readonly string[]; readonly minutes: number; readonly proof: Text },
): RepairStep => ({
  id,
  text,
  ...more,
})

const feature =
  (role: FeatureDefinition['role']) =>
  (name: string, derive: Derivation, description: Text): FeatureDefinition => ({ name, unit: unitOfName(name), derive, role, description })
export const driving = feature('driving')
export const response = feature('response')
export const raw = feature('raw')

/**
 * What a rule on records has of its own: a device tells of a phase or a cycle when it ends, and the next record may come days later, further off
 * than any gap. So one record that is well again clears the alarm; a clear hold would never be seen through.
 */
export const onRecords = { version: 2, clearHoldMs: 0 } as const
