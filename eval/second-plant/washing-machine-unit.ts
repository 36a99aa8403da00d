/** One unit of the second washing machine (direct drive, shallow drum) and which variant of each fault it gets. */
import type { Random } from '#kernel/random.ts'

export interface WasherUnit {
  readonly capacityKg: number
  readonly inletL: number
  readonly kpaPerL: number
  readonly heaterOhm: number
  readonly pumpLMin: number
  readonly pumpA: number
  readonly hoseM: number
  readonly spinRpm: number
  readonly suspendedKg: number
  readonly dragA: number
  readonly copperA: number
  readonly resonance: number
  readonly isolation: number
  readonly lockMs: number
  readonly rinses: number
  readonly lossWK: number
  readonly terminalK: number
  readonly coastS: number
  readonly variant: {
    readonly isLeakBy: boolean
    readonly heaterMode: 'scale' | 'open' | 'earth'
    readonly isLevelling: boolean
    readonly terminalK: number
    readonly stuckChannel: string
  }
}

export function drawWasher(random: Random): WasherUnit {
  return {
    capacityKg: random.pick([6, 8, 9, 10]),
    inletL: random.between(7, 10.5),
    kpaPerL: random.between(0.085, 0.12),
    heaterOhm: random.between(25, 34),
    pumpLMin: random.between(14, 20),
    pumpA: random.between(0.2, 0.34),
    hoseM: random.between(0.6, 1),
    spinRpm: random.pick([1000, 1200, 1200, 1400]),
    suspendedKg: random.between(42, 60),
    dragA: random.between(0.5, 0.9),
    copperA: random.between(0.1, 0.18),
    resonance: random.between(7, 12),
    isolation: random.between(2.2, 3.6),
    lockMs: random.between(900, 2200),
    rinses: random.pick([2, 2, 3]),
    lossWK: random.between(5, 9),
    terminalK: random.between(7, 12),
    coastS: random.between(24, 42),
    variant: {
      isLeakBy: random.chance(0.4),
      heaterMode: random.pick(['scale', 'scale', 'open', 'earth'] as const),
      isLevelling: random.chance(0.4),
      terminalK: random.between(50, 80),
      stuckChannel: random.pick(['water_temperature_c', 'water_level_kpa', 'tub_acceleration_m_s2']),
    },
  }
}
