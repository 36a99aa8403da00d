/** One unit of the second gas water heater: 11 to 24 L/min, gas led by the fan through a zero governor or by its own valve, and fault variants. */
import type { Random } from '#kernel/random.ts'

export interface HeaterUnit {
  /** Largest heat to the water in kW. */
  readonly outputKw: number
  /** Gas follows the pressure of the fan; otherwise the valve sets the gas and the fan follows. */
  readonly isFanLed: boolean
  readonly efficiency: number
  readonly flow_MIN: number
  readonly setC: number
  readonly valveIdleMa: number
  readonly valveMa: number
  readonly fanRpm_MAX: number
  readonly fanA: number
  readonly pressurePa: number
  readonly flameUa: number
  readonly igniteMs: number
  readonly fanStartMs: number
  readonly bypassK: number
  readonly exhaustC: number
  readonly coPpm: number
  readonly hasGasSensor: boolean
  readonly terminalK: number
  readonly standsOutdoors: boolean
  readonly variant: {
    readonly isScreen: boolean
    readonly flameOff: boolean
    readonly driftK: number
    readonly humidWorse: number
    readonly terminalK: number
    readonly stuckChannel: string
  }
}

export function drawHeater(random: Random): HeaterUnit {
  const litres = random.pick([11, 12, 13, 16, 16, 20, 24])
  return {
    outputKw: litres * 1.745,
    isFanLed: random.chance(0.5),
    efficiency: random.between(0.84, 0.9),
    flow_MIN: random.between(1.9, 2.7),
    setC: random.pick([40, 42, 42, 45, 48]),
    valveIdleMa: random.between(45, 75),
    valveMa: random.between(140, 185),
    fanRpm_MAX: random.between(4300, 5400),
    fanA: random.between(0.26, 0.42),
    pressurePa: random.between(95, 190),
    flameUa: random.between(5.5, 10),
    igniteMs: random.between(520, 1100),
    fanStartMs: random.between(1300, 2300),
    bypassK: random.between(1.2, 3.6),
    exhaustC: random.between(120, 155),
    coPpm: random.between(40, 95),
    hasGasSensor: random.chance(0.6),
    terminalK: random.between(6, 11),
    standsOutdoors: random.chance(0.2),
    variant: {
      isScreen: random.chance(0.45),
      flameOff: random.chance(0.45),
      driftK: random.between(4, 9) * (random.chance(0.5) ? 1 : -1),
      humidWorse: random.between(0.2, 0.9),
      terminalK: random.between(70, 110),
      stuckChannel: random.pick(['inlet_temperature_c', 'exhaust_temperature_c', 'exchanger_temperature_c', 'air_pressure_pa']),
    },
  }
}
