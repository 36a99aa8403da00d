/**
 * Trials of a plant for its tests: one unit is run through steps under given surroundings and what it told is collected by channel, with
 * the sensors' noise added or not. Two trials with the same seed are twins: same unit, same draws, so that what differs is what was changed.
 */
import { createRandom } from '#kernel/random.ts'
import { ORDINARY, type PlantModel, type Surroundings, type Use } from './plant.ts'

export interface TrialOptions {
  readonly seed: string
  readonly severities?: Readonly<Record<string, number>>
  readonly around?: Partial<Surroundings>
  readonly steps: number
  readonly stepMs?: number
  /** What the household does in step `index`. */
  readonly useAt: (index: number) => Use
}

export interface Trial {
  /** What was told by channel name: periodic values and records apart. */
  readonly periodic: ReadonlyMap<string, number[]>
  readonly records: ReadonlyMap<string, number[]>
  readonly errors: readonly string[]
  readonly readings: number
}

export function runTrial(model: PlantModel, channels: ReadonlyArray<{ readonly name: string }>, options: TrialOptions): Trial {
  const plant = model.create(createRandom(options.seed))
  const severities = new Map(Object.entries(options.severities ?? {}))
  const around = { ...ORDINARY, ...options.around }
  const periodic = new Map<string, number[]>()
  const records = new Map<string, number[]>()
  const errors: string[] = []
  let readings = 0
  for (let index = 0; index < options.steps; index++) {
    plant.advance(options.stepMs ?? 60_000, { ...around, use: options.useAt(index) }, severities)
    for (const event of plant.events ?? []) {
      for (const [name, value] of Object.entries(event.values)) add(records, name, value)
      if (event.texts?.error_code !== undefined) errors.push(event.texts.error_code)
      readings += 1
    }
    if (plant.values.every(Number.isNaN)) continue
    readings += 1
    channels.forEach(({ name }, column) => {
      const value = plant.values[column] ?? Number.NaN
      if (!Number.isNaN(value)) add(periodic, name, value)
    })
  }
  return { periodic, records, errors, readings }
}

export const mean = (values: readonly number[] | undefined): number =>
  values === undefined || values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length

/** Values outside the range of their channel, as text; a plant must give none, since ingest would take them for a broken sensor. */
export function outOfRange(trial: Trial, channels: ReadonlyArray<{ readonly name: string; readonly min: number; readonly max: number }>): string[] {
  const wrong: string[] = []
  for (const values of [trial.periodic, trial.records]) {
    for (const [name, told] of values) {
      const channel = channels.find((candidate) => candidate.name === name)
      if (channel === undefined) wrong.push(`${name} is no channel`)
      else wrong.push(...told.filter((value) => !(value >= channel.min && value <= channel.max)).map((value) => `${name} ${value}`))
    }
  }
  return wrong
}

function add(into: Map<string, number[]>, name: string, value: number): void {
  const values = into.get(name)
  if (values === undefined) into.set(name, [value])
  else values.push(value)
}
