/** Makers of care tasks, so that the lists of the types read as tables. What has no source is engineering judgement. */
import type { CareCounter, CareSign, CareTask } from '../care.ts'
import { words } from './makers.ts'

/** Hours in which the appliance ran. */
export const runningHours: CareCounter = { isOverRunningHours: true, features: [], factor: 1 }

/** Records that a window counts by itself. */
export const recorded = (feature: string): CareCounter => ({ isOverRunningHours: false, features: [feature], factor: 1 })

/** Litres of a mean flow in litres a minute over the running hours. */
export const litresOf = (flowFeature: string): CareCounter => ({ isOverRunningHours: true, features: [flowFeature], factor: 60 })

type Given = Partial<Pick<CareTask, 'every' | 'sign' | 'parts' | 'doneWith'>> & { readonly minutes: number }
type Words = readonly [en: string, zhCn: string]

const task =
  (kind: CareTask['kind'], who: CareTask['who']) =>
  (id: string, name: Words, text: Words, given: Given): CareTask => ({
    ...{ id, kind, who, name: words(...name), text: words(...text), source: 'EJ' },
    ...given,
  })
export const byHousehold = task('maintenance', 'household')
export const byEngineer = task('maintenance', 'engineer')
export const tip = task('tip', 'household')

/** Spreads from the unit's own normal, upwards or downwards by the sign of `value`. */
export const strays = (feature: string, value: number, windows: number): CareSign => ({
  ...{ feature, as: 'z_score', value, windows },
  op: value > 0 ? '>=' : '<=',
})
export const above = (feature: string, value: number, windows: number): CareSign => ({ feature, as: 'observed', op: '>=', value, windows })
export const below = (feature: string, value: number, windows: number): CareSign => ({ feature, as: 'observed', op: '<=', value, windows })
