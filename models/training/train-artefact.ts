/**
 * Makes an artefact of labelled units: fits the no-fault reference and how units differ, lets `train.py` grow the trees, holds the exported
 * model against Python's own probabilities, and calibrates on units that training did not see. The threshold is left to the caller, who
 * knows the alert budget's data. Needs Python; the same whether the units come from simulators or from a site's own readings.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quantile } from 'simple-statistics'
import type { ApplianceType, Recipe } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { type Artefact, type Card, NO_FAULT, type Parity, sha256 } from '../artefact.ts'
import { fitTemperature } from '../calibrate.ts'
import { distanceOf } from '../evidence.ts'
import { createInputs, type InputMaker, inputNames } from '../inputs.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import { addUnitNormal, createReference, fitReference, type Reference } from '../reference.ts'
import { driftReferenceOf } from '../registry/drift-reference.ts'
import type { UnitNormalOptions } from '../unit-normal.ts'
import { createMaker, fitSignatures, type MakerSpread, type Signatures } from './makers.ts'
import { TRAINER } from './python.ts'
import {
  classesOf,
  faultlessByUnit,
  type Smoothing,
  type TrainingRow,
  type TrainingSet,
  type TrainingUnit,
  trainingRows,
  weightsOf,
} from './training-set.ts'

export interface TrainingOptions {
  readonly python: string
  /** Folder for what passes between the two languages; overwritten. */
  readonly folder: string
  readonly seed: number
  readonly smoothing: Smoothing
  readonly alertBudget: number
  /** Windows from which a unit's own normal is learned, and how much farther apart units in the field may be than those of the set. */
  readonly unit: Pick<UnitNormalOptions, 'windows' | 'widen' | 'departure'>
  /** Each unit of training also stands for so many of other makers; undefined where the units are those that will be judged. */
  readonly makers?: { readonly copies: number; readonly spread: MakerSpread }
  /** What the card says of the data and of its limits. */
  readonly data: Readonly<Record<string, unknown>>
  readonly limits: readonly string[]
  /** Starts a runtime for the exported model; stopped by this function's caller. */
  readonly startRuntime: (model: Uint8Array, contract: ModelContract) => Promise<ModelRuntime>
  readonly say: (text: string) => void
}

export interface ModelContract {
  readonly inputName: string
  readonly outputName: string
  readonly featureCount: number
  readonly classCount: number
}

/** Names of the exported graph's ends, as train.py writes them. */
const ENDS = { inputName: 'features', outputName: 'probabilities' } as const

/**
 * Trains; the artefact's threshold is 0.95 and its scores are empty.
 * @throws MendlineError MDL_MODEL_TRAINER when a class has no rows or Python fails
 */
export async function trainArtefact(
  type: ApplianceType,
  set: TrainingSet,
  options: TrainingOptions,
): Promise<{ artefact: Artefact; runtime: ModelRuntime }> {
  const { recipe } = type
  if (recipe === undefined) throw new MendlineError('MDL_MODEL_TRAINER', `the type ${type.id} has no recipe of features`)
  const plain = faultlessByUnit(set.train)
  const bare = fitReference(
    plain.flatMap(({ windows }) => windows),
    recipe.features,
    recipe.version,
  )
  const train = withMakers(recipe, set.train, bare, options)
  const reference = addUnitNormal(bare, faultlessByUnit(train), {
    features: recipe.features,
    drivers: unitDriversOf(recipe),
    squares: recipe.unitDrivers?.length ?? 0,
    ...options.unit,
  })
  const features = reference.responses.map(({ feature }) => feature)
  const inputs = inputNames(type, features)
  const toInputs = createInputs(inputs, type, features)
  if (typeof toInputs !== 'function') throw new MendlineError('MDL_MODEL_TRAINER', `inputs ${toInputs.join(', ')} cannot be made`)
  const rowsOf = (units: TrainingSet['train']) => trainingRows(type, units, { reference, smoothing: options.smoothing })
  const rows = { train: rowsOf(train), tune: rowsOf(set.tune), calibrate: rowsOf(set.calibrate) }
  const classes = classesOf(type).filter((name) => rows.train.some(({ label }) => label === name))
  options.say(`training on ${rows.train.length} rows of ${classes.length} classes, tuning on ${rows.tune.length}`)
  const files = runTrainer({ rows, inputs, classes, toInputs, reference }, options)
  const contract = { ...ENDS, featureCount: inputs.length, classCount: classes.length }
  const runtime = await options.startRuntime(files.model, contract)
  const parityDifference = await checkParity(runtime, files.parity)
  const { calibrated, temperature } = await calibrateOn(rows.calibrate, { runtime, toInputs, classes })
  const distances = calibrated.filter(({ label }) => label === NO_FAULT).map(({ mean }) => distanceOf(mean))
  const card: Card = {
    schema: 1,
    type: type.id,
    version: `${type.id}-${sha256(files.model).slice(0, 12)}`,
    catalogue_version: type.version,
    recipe_version: recipe.version,
    algorithm:
      'LightGBM gradient-boosted trees on departures from the unit’s own normal, their shape and their agreement with the signs of the catalogue',
    input_name: ENDS.inputName,
    output_name: ENDS.outputName,
    inputs,
    classes,
    model: files.facts('model.onnx'),
    reference: files.facts('reference.json'),
    parity: files.facts('parity.json'),
    smoothing: { ...options.smoothing },
    calibration: { temperature },
    decision: {
      threshold: 0.95,
      alert_budget_per_1000_unit_weeks: options.alertBudget,
      unknown_distance: Number((1.15 * quantile(distances, 0.9995)).toFixed(3)),
    },
    data: {
      ...options.data,
      rows: { train: rows.train.length, tune: rows.tune.length, calibrate: rows.calibrate.length },
      reference_windows: plain.reduce((sum, { windows }) => sum + windows.length, 0),
      training: files.training,
      shares: sharesOf(rows.train, classes),
      parity_difference: Number(parityDifference.toExponential(2)),
    },
    scores: {},
    limits: [...options.limits],
    drift: driftReferenceOf(
      inputs,
      rows.train.filter(({ label }) => label === NO_FAULT).map(({ mean }) => toInputs(mean)),
    ),
  }
  return { artefact: { card, reference, parity: files.parity, model: files.model }, runtime }
}

/** All drivers of the reference, those of which a unit's dependence is likely bent first. */
const unitDriversOf = ({ features, unitDrivers = [] }: Recipe): string[] => [
  ...unitDrivers,
  ...features.filter(({ name, role }) => role === 'driving' && !unitDrivers.includes(name)).map(({ name }) => name),
]

/** The units themselves, and copies that are of other makers, each of one of its own. */
function withMakers(recipe: Recipe, units: readonly TrainingUnit[], bare: Reference, { makers, seed }: TrainingOptions): TrainingUnit[] {
  if (makers === undefined) return [...units]
  const { copies, spread } = makers
  const { responses, drivers } = bare
  const signatures = signaturesIn(recipe, units, bare)
  const copied = Array.from({ length: copies }, (_, copy) =>
    units.map((unit): TrainingUnit => {
      const maker = `${seed}/${copy}/${unit.key}`
      const make = { responses: responses.length, drivers: drivers.length, spread, signatures }
      const vary = () => createMaker(maker, make)(unit.key, unit.severitiesAt)
      return { ...unit, key: `${unit.key}+${copy}`, vary }
    }),
  )
  return [...units, ...copied.flat()]
}

/** How much each fault moves the residuals of the units. */
function signaturesIn({ features }: Recipe, units: readonly TrainingUnit[], bare: Reference): Signatures {
  const compare = createReference(bare, features)
  return fitSignatures(
    units.map(({ windows, severitiesAt }) =>
      windows.flatMap((window) => {
        const residuals = window.isDiagnosable && severitiesAt !== undefined ? compare(window.features) : undefined
        return residuals === undefined ? [] : [{ zScores: residuals.zScores, severities: severitiesAt?.(window.to_ms) ?? [] }]
      }),
    ),
  )
}

interface Trained {
  readonly runtime: ModelRuntime
  readonly toInputs: InputMaker
  readonly classes: readonly string[]
}

/** Temperature by the rows whose class the model has. */
async function calibrateOn(rows: readonly TrainingRow[], { runtime, toInputs, classes }: Trained) {
  const calibrated = rows.filter(({ label }) => classes.includes(label))
  const scores = await scoresOf(
    runtime,
    calibrated.map(({ mean }) => toInputs(mean)),
  )
  const labels = calibrated.map(({ label }) => classes.indexOf(label))
  return { calibrated, temperature: fitTemperature(scores, labels, weightsOf(calibrated)) }
}

const BATCH = limits.inferenceBatch_MAX

async function scoresOf(runtime: ModelRuntime, inputs: readonly Float32Array[]): Promise<Float32Array[]> {
  const width = inputs[0]?.length ?? 0
  const scores: Float32Array[] = []
  for (let from = 0; from < inputs.length; from += BATCH) {
    const batch = inputs.slice(from, from + BATCH)
    const flat = new Float32Array(batch.length * width)
    batch.forEach((row, index) => {
      flat.set(row, index * width)
    })
    const all = await runtime.run(flat, batch.length)
    const classes = all.length / batch.length
    batch.forEach((_, index) => {
      scores.push(all.slice(index * classes, (index + 1) * classes))
    })
  }
  return scores
}

/** Shares of the classes among the rows, by their weights: what the model says without evidence. */
function sharesOf(rows: readonly TrainingRow[], classes: readonly string[]): number[] {
  const weights = weightsOf(rows)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return classes.map((name) => {
    const mine = rows.reduce((sum, { label }, index) => sum + (label === name ? (weights[index] ?? 0) : 0), 0)
    return Number(Math.max(1e-3, mine / total).toFixed(5))
  })
}

interface Matrix {
  readonly rows: { readonly train: readonly TrainingRow[]; readonly tune: readonly TrainingRow[] }
  readonly inputs: readonly string[]
  readonly classes: readonly string[]
  readonly toInputs: InputMaker
  readonly reference: unknown
}

function runTrainer(matrix: Matrix, { python, folder, seed }: TrainingOptions) {
  mkdirSync(folder, { recursive: true })
  const { inputs, classes, toInputs } = matrix
  const known = (rows: readonly TrainingRow[]) => rows.filter(({ label }) => classes.includes(label))
  const splits = { train: known(matrix.rows.train), tune: known(matrix.rows.tune) }
  const all = [...splits.train, ...splits.tune]
  const flat = new Float32Array(all.length * inputs.length)
  all.forEach(({ mean }, index) => {
    flat.set(toInputs(mean), index * inputs.length)
  })
  writeFileSync(join(folder, 'rows.f32'), flat)
  const meta = {
    inputs,
    classes,
    seed,
    labels: all.map(({ label }) => classes.indexOf(label)),
    weights: [...weightsOf(splits.train), ...weightsOf(splits.tune)],
    units: all.map(({ unit }) => unit),
    splits: [...splits.train.map(() => 'train'), ...splits.tune.map(() => 'tune')],
  }
  writeFileSync(join(folder, 'matrix.json'), JSON.stringify(meta))
  writeFileSync(join(folder, 'reference.json'), JSON.stringify(matrix.reference))
  try {
    execFileSync(python, [TRAINER, folder], { stdio: ['ignore', 'inherit', 'pipe'] })
  } catch (cause) {
    const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n').at(-1) : ''
    throw new MendlineError('MDL_MODEL_TRAINER', `the trainer failed: ${text}`, { cause })
  }
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  return {
    model: new Uint8Array(read('model.onnx')),
    parity: JSON.parse(read('parity.json').toString()) as Parity,
    training: JSON.parse(read('training.json').toString()) as Record<string, unknown>,
    facts: (name: string) => ({ bytes: read(name).byteLength, sha256: sha256(read(name)) }),
  }
}

/** Largest difference between Python and the runtime over the parity rows. @throws MendlineError MDL_MODEL_INVALID beyond the tolerance */
async function checkParity(runtime: ModelRuntime, parity: Parity): Promise<number> {
  let largest = 0
  for (const [index, row] of parity.rows.entries()) {
    const scores = await runtime.run(Float32Array.from(row), 1)
    parity.probabilities[index]?.forEach((probability, at) => {
      largest = Math.max(largest, Math.abs(probability - (scores[at] ?? Number.NaN)))
    })
  }
  if (!(largest <= parity.tolerance)) throw new MendlineError('MDL_MODEL_INVALID', `runtime and trainer differ by ${largest}`)
  return largest
}
