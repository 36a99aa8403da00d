/** What each fault of the second washing machine does to its physics at a severity; effects level off, bend or come late. */
import type { Severities } from '#catalogue/plant.ts'
import { bent, late, saturating, severityOf } from './shapes.ts'
import type { WasherUnit } from './washing-machine-unit.ts'

export const FAULTS = ['WM-01', 'WM-02', 'WM-03', 'WM-04', 'WM-05', 'WM-06', 'WM-07', 'WM-08', 'XX-01', 'XX-02']

export interface Effects {
  readonly clog: number
  readonly pump: number
  readonly bearing: number
  readonly screen: number
  readonly leakByLMin: number
  readonly scale: number
  readonly isOpen: boolean
  readonly isEarthed: boolean
  readonly damping: number
  readonly tilt: number
  readonly lock: number
  readonly leakLMin: number
  readonly terminalK: number
  readonly stuck: number
}

export function effectsOf({ variant }: WasherUnit, severities: Severities): Effects {
  const at = (code: string): number => severityOf(severities, code)
  const inlet = at('WM-04')
  const heater = at('WM-05')
  const shaken = bent(at('WM-06'))
  return {
    clog: late(at('WM-01'), 1.2),
    pump: saturating(at('WM-02'), 1.4),
    bearing: late(at('WM-03'), 1.2),
    screen: variant.isLeakBy ? 0 : late(inlet, 1.1),
    leakByLMin: variant.isLeakBy ? 0.12 * saturating(inlet, 1.5) : 0,
    scale: variant.heaterMode === 'scale' ? late(heater, 1.2) : 0,
    isOpen: variant.heaterMode === 'open' && heater > 0.3,
    isEarthed: variant.heaterMode === 'earth' && heater > 0.4,
    damping: variant.isLevelling ? 0.2 * shaken : shaken,
    tilt: variant.isLevelling ? shaken : 0,
    lock: saturating(at('WM-07'), 1.6),
    leakLMin: 0.22 * late(at('WM-08'), 1.1),
    terminalK: variant.terminalK * late(at('XX-01'), 1.5),
    stuck: at('XX-02'),
  }
}
