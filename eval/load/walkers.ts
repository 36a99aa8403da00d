/**
 * Readings as a fleet sends them, made fast: random walks quantised to the sensor's step, one row of each device after the other, with
 * boot, seq and both times. Channels of one walker do not depend on each other, which packs worse than real appliances do.
 */
import type { ApplianceType, Channel } from '../../catalogue/appliance-type.ts'
import { epochMs } from '../../kernel/clock.ts'
import { createRandom } from '../../kernel/random.ts'
import type { Reading } from '../../kernel/reading.ts'

const STEP = 0.1

export interface WalkerOptions {
  readonly seed: string
  readonly devices: number
  readonly channels: number
  readonly periodMs: number
  readonly startMs: number
}

export interface Walkers {
  readonly type: ApplianceType
  /** Rows made so far. */
  readonly rows: number
  /** Name of the device at a place. */
  device(index: number): string
  /** The next rows; each period gives one of every device. */
  next(rows: number): Reading[]
}

export function createWalkers({ seed, devices, channels, periodMs, startMs }: WalkerOptions): Walkers {
  const random = createRandom(seed)
  const walks = Array.from({ length: devices }, () => Float64Array.from({ length: channels }, () => random.between(10, 60)))
  const names = walks.map((_, index) => `walker-${index}`)
  let rows = 0
  const make = (row: number): Reading => {
    const device = row % devices
    const seq = Math.floor(row / devices)
    const walk = walks[device] ?? new Float64Array(channels)
    const numbers = new Float64Array(channels)
    for (let index = 0; index < channels; index++) {
      walk[index] = (walk[index] ?? 0) + random.between(-0.3, 0.3)
      numbers[index] = Math.round((walk[index] ?? 0) / STEP) / (1 / STEP)
    }
    // Devices send at different instants of the period.
    const observed = startMs + seq * periodMs + ((device * 37) % periodMs)
    return {
      tenant: 'home',
      device: names[device] ?? '',
      type: 'walker',
      boot: 1,
      seq,
      observed_at_ms: epochMs(observed),
      received_at_ms: epochMs(observed + random.integer(20, 400)),
      hist: false,
      fw: '1.0.0',
      numbers,
      texts: [],
    }
  }
  return {
    type: { ...WALKER, channels: Array.from({ length: channels }, (_, index) => channel(index)) },
    get rows() {
      return rows
    },
    device: (index) => names[index % devices] ?? '',
    next: (count) => Array.from({ length: count }, () => make(rows++)),
  }
}

const WALKER: Omit<ApplianceType, 'channels'> = {
  id: 'walker',
  version: '1',
  name: { en: 'Walker', 'zh-CN': '游走' },
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

const channel = (index: number): Channel => ({
  name: `temperature_${index}_c`,
  kind: 'number',
  unit: 'c',
  min: -1_000,
  max: 1_000,
  step: STEP,
  isAggregated: false,
  isSafety: false,
  description: { en: 'Random walk', 'zh-CN': '随机游走' },
})
