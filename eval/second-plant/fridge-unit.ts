/** One unit of the second fridge: cabinet, food, compressor, fans, set points, and which variant of each fault it gets. */
import type { Random } from '#kernel/random.ts'

export interface FridgeUnit {
  /** One evaporator with a damper, or two with a diverter valve. */
  readonly isDual: boolean
  readonly isInverter: boolean
  readonly freshUaWK: number
  readonly freezerUaWK: number
  readonly freshFoodJK: number
  readonly freezerFoodJK: number
  readonly coolingW: number
  readonly efficiency: number
  readonly condenserWK: number
  readonly airWK: number
  readonly effectiveness: number
  readonly freshShare: number
  readonly freshSetC: number
  readonly freezerSetC: number
  readonly heaterW: number
  readonly endC: number
  readonly fanRpm: number
  readonly condenserFanRpm: number
  readonly fanMa: number
  readonly terminalK: number
  readonly startMs: number
  readonly variant: {
    readonly isIntermittentHeater: boolean
    readonly isCondenserFan: boolean
    readonly gasketIsFreezer: boolean
    readonly stuckOpening: number
    readonly driftChannel: 'fresh_temperature_c' | 'freezer_temperature_c' | 'evaporator_outlet_temperature_c'
    readonly driftK: number
    readonly stuckChannel: string
    readonly terminalK: number
  }
}

const STICKING = ['condenser_temperature_c', 'evaporator_temperature_c', 'freezer_temperature_c', 'evaporator_fan_current_ma']

export function drawFridge(random: Random): FridgeUnit {
  const isInverter = random.chance(0.6)
  const size = random.between(0.8, 1.3)
  return {
    isDual: random.chance(0.4),
    isInverter,
    freshUaWK: size * random.between(1, 1.5),
    freezerUaWK: size * random.between(0.6, 0.95),
    freshFoodJK: size * random.between(45_000, 95_000),
    freezerFoodJK: size * random.between(25_000, 50_000),
    coolingW: size * (isInverter ? random.between(150, 185) : random.between(125, 155)),
    efficiency: random.between(0.46, 0.56),
    condenserWK: size * random.between(15, 21),
    airWK: size * random.between(17, 24),
    effectiveness: random.between(0.62, 0.76),
    freshShare: random.between(0.2, 0.28),
    freshSetC: random.pick([3, 4, 4, 5]),
    freezerSetC: random.pick([-20, -18, -18, -19]),
    heaterW: random.between(150, 240),
    endC: random.between(7, 13),
    fanRpm: random.between(1900, 2500),
    condenserFanRpm: random.between(1000, 1400),
    fanMa: random.between(110, 210),
    terminalK: random.between(6, 12),
    startMs: random.between(280, 480),
    variant: {
      isIntermittentHeater: random.chance(0.5),
      isCondenserFan: random.chance(0.4),
      gasketIsFreezer: random.chance(0.5),
      stuckOpening: random.chance(0.5) ? random.between(0.75, 1) : random.between(0, 0.08),
      driftChannel: random.pick([
        'fresh_temperature_c',
        'freezer_temperature_c',
        'evaporator_outlet_temperature_c',
        'evaporator_outlet_temperature_c',
      ]),
      driftK: random.between(2.5, 5) * (random.chance(0.5) ? 1 : -1),
      stuckChannel: random.pick(STICKING),
      terminalK: random.between(50, 80),
    },
  }
}
