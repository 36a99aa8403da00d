/**
 * `npm run train`: makes the artefact of the air conditioner's classifier from simulated fleets. Prepares its own Python environment,
 * simulates units (training, tuning, calibration and test each from fleets of their own), fits the no-fault reference, lets
 * `models/training/train.py` grow the trees, checks parity, calibrates, chooses the threshold by the alert budget, measures on the
 * test units and writes the card. `--quick` uses small fleets and writes to `models/training/scratch/` only.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quantile } from 'simple-statistics'
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { classesOf, faultlessByUnit, faultlessWindows, type LabelledMean, type LabelledUnit, labelledMeans } from '../eval/diagnosis/dataset.ts'
import { scoreUnits } from '../eval/diagnosis/score.ts'
import { SPLITS, simulateSplit } from '../eval/diagnosis/splits.ts'
import { ARTEFACTS_DIRECTORY, type Artefact, type Card, checkArtefact, NO_FAULT, type Parity, readArtefact, sha256 } from '../models/artefact.ts'
import { fitTemperature } from '../models/calibrate.ts'
import { distanceOf } from '../models/evidence.ts'
import { toInputs } from '../models/judge.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { addUnitNormal, fitReference } from '../models/reference.ts'
import { createOnnxRuntime } from '../models/runtimes/onnx-runtime.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TRAINING = join(ROOT, 'models/training')
const WORK = join(TRAINING, 'scratch')
const SEED = 20_260_101
const SMOOTHING = { windows: 8, age_ms: 10 * 86_400_000 }
const ALERT_BUDGET = 5
/** Windows from which a unit's own normal is learned, and how much farther apart units in the field may be than simulated ones. */
const UNIT_WINDOWS = 40
const UNIT_WIDEN = 2
const isQuick = process.argv.includes('--quick')

const say = (text: string): void => console.log(`[${(performance.now() / 1000).toFixed(0).padStart(4)} s] ${text}`)

/** Makes the environment once and again when the requirements change. */
function preparePython(): string {
  const python = join(TRAINING, '.venv/bin/python')
  const wanted = readFileSync(join(TRAINING, 'requirements.txt'), 'utf8')
  const mark = join(TRAINING, '.venv/installed.txt')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return python
  say('installing Python packages into models/training/.venv')
  execFileSync('python3', ['-m', 'venv', join(TRAINING, '.venv')], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--requirement', join(TRAINING, 'requirements.txt')], { stdio: 'inherit' })
  writeFileSync(mark, wanted)
  return python
}

/** Weight of each row: every unit counts the same within a class of a split. */
function weightsOf(rows: readonly LabelledMean[]): number[] {
  const counts = new Map<string, number>()
  const keyOf = ({ unit, label }: LabelledMean): string => `${unit.seed}/${unit.device}/${label}`
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return rows.map((row) => 1 / (counts.get(keyOf(row)) ?? 1))
}

function writeMatrix(
  inputs: readonly string[],
  classes: readonly string[],
  splits: Readonly<Record<'train' | 'tune', readonly LabelledMean[]>>,
): void {
  const rows = [...splits.train, ...splits.tune]
  const positions = inputs.map((_, index) => index)
  const flat = new Float32Array(rows.length * inputs.length)
  rows.forEach(({ mean }, index) => {
    flat.set(toInputs(mean, positions), index * inputs.length)
  })
  mkdirSync(WORK, { recursive: true })
  writeFileSync(join(WORK, 'rows.f32'), flat)
  const labels = rows.map(({ label }) => classes.indexOf(label ?? NO_FAULT))
  const names = [...splits.train.map(() => 'train'), ...splits.tune.map(() => 'tune')]
  writeFileSync(
    join(WORK, 'matrix.json'),
    JSON.stringify({ inputs, classes, seed: SEED, labels, weights: [...weightsOf(splits.train), ...weightsOf(splits.tune)], splits: names }),
  )
}

/** Largest difference between Python and the runtime over the parity rows. */
async function checkParity(runtime: ModelRuntime, parity: Parity): Promise<number> {
  let largest = 0
  for (const [index, row] of parity.rows.entries()) {
    const scores = await runtime.run(Float32Array.from(row), 1)
    parity.probabilities[index]?.forEach((probability, at) => {
      largest = Math.max(largest, Math.abs(probability - (scores[at] ?? Number.NaN)))
    })
  }
  if (!(largest <= parity.tolerance)) throw new Error(`parity: runtime and Python differ by ${largest}`)
  return largest
}

async function scoresOf(runtime: ModelRuntime, rows: readonly LabelledMean[], inputs: readonly string[]): Promise<Float32Array[]> {
  const positions = inputs.map((_, index) => index)
  const scores: Float32Array[] = []
  for (const { mean } of rows) scores.push(await runtime.run(toInputs(mean, positions), 1))
  return scores
}

/** Lowest threshold whose false alarms on the calibration units stay within the budget. */
async function chooseThreshold(artefact: Artefact, runtime: ModelRuntime, units: readonly LabelledUnit[]): Promise<number> {
  for (let threshold = 0.5; threshold < 0.95; threshold += 0.05) {
    const decision = { ...artefact.card.decision, threshold: Number(threshold.toFixed(2)) }
    const scores = await scoreUnits(type, units, { artefact: { ...artefact, card: { ...artefact.card, decision } }, runtime })
    say(
      `threshold ${decision.threshold}: ${scores.false_alarms} false alarms in ${scores.clean_unit_weeks} unit-weeks, ${scores.told_right} told right`,
    )
    if (scores.false_alarms_per_1000_unit_weeks <= ALERT_BUDGET) return decision.threshold
  }
  return 0.95
}

const split = (name: keyof typeof SPLITS): LabelledUnit[] => {
  const units = simulateSplit(type, name, isQuick)
  say(`simulated ${units.length} units for ${name}`)
  return units
}

const python = preparePython()
const units = { train: split('train'), tune: split('tune'), calibrate: split('calibrate'), test: split('test') }
const recipe = type.recipe
if (recipe === undefined) throw new Error('the type has a recipe')
const reference = addUnitNormal(fitReference(faultlessWindows(units.train), recipe.features, recipe.version), faultlessByUnit(units.train), {
  features: recipe.features,
  drivers: recipe.unitDrivers ?? [],
  windows: UNIT_WINDOWS,
  widen: UNIT_WIDEN,
})
const inputs = reference.responses.map(({ feature }) => feature)
const classes = classesOf(type)
const means = (name: keyof typeof units) => labelledMeans(type, units[name], { reference, smoothing: SMOOTHING })
const labelled = (name: keyof typeof units) => means(name).filter(({ label }) => label !== undefined)
const rows = { train: labelled('train'), tune: labelled('tune'), calibrate: labelled('calibrate') }
writeMatrix(inputs, classes, rows)
say(`training on ${rows.train.length} rows, tuning on ${rows.tune.length}`)
execFileSync(python, [join(TRAINING, 'train.py'), WORK], { stdio: 'inherit' })

writeFileSync(join(WORK, 'reference.json'), JSON.stringify(reference))
const model = readFileSync(join(WORK, 'model.onnx'))
const parity: Parity = JSON.parse(readFileSync(join(WORK, 'parity.json'), 'utf8'))
const facts: Record<string, unknown> = JSON.parse(readFileSync(join(WORK, 'training.json'), 'utf8'))
const contract = { inputName: 'features', outputName: 'probabilities', featureCount: inputs.length, classCount: classes.length }
const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
await runtime.start()
const parityDifference = await checkParity(runtime, parity)
say(`parity: largest difference ${parityDifference.toExponential(1)}`)

const labels = rows.calibrate.map(({ label }) => classes.indexOf(label ?? NO_FAULT))
const temperature = fitTemperature(await scoresOf(runtime, rows.calibrate, inputs), labels, weightsOf(rows.calibrate))
const distances = rows.calibrate.filter(({ label }) => label === NO_FAULT).map(({ mean }) => distanceOf(mean))
const file = (name: string) => {
  const bytes = readFileSync(join(WORK, name))
  return { bytes: bytes.byteLength, sha256: sha256(bytes) }
}
const draft: Card = {
  schema: 1,
  type: type.id,
  version: `${type.id}-${sha256(model).slice(0, 12)}`,
  catalogue_version: type.version,
  recipe_version: recipe.version,
  algorithm: 'LightGBM gradient-boosted trees on z-scores against a second-degree polynomial no-fault reference',
  input_name: contract.inputName,
  output_name: contract.outputName,
  inputs,
  classes,
  model: file('model.onnx'),
  reference: file('reference.json'),
  parity: file('parity.json'),
  smoothing: SMOOTHING,
  calibration: { temperature },
  decision: {
    threshold: 0.95,
    alert_budget_per_1000_unit_weeks: ALERT_BUDGET,
    unknown_distance: Number((1.15 * quantile(distances, 0.9995)).toFixed(3)),
  },
  data: {
    source: 'simulated by simulators/fleet.ts; no field data, hence no date of data',
    seed: SEED,
    splits: SPLITS,
    is_quick: isQuick,
    rows: { train: rows.train.length, tune: rows.tune.length, calibrate: rows.calibrate.length },
    reference_windows: faultlessWindows(units.train).length,
    training: facts,
    parity_difference: Number(parityDifference.toExponential(2)),
  },
  scores: {},
  limits: [
    'Trained and measured on simulated units; nothing here says how it does on real ones.',
    'The units of the test come from other fleets and seeds than those of training, but from the same physics and the same spread of parameters.',
    'Cooling only; faults found by rules alone (XX-01, XX-02) are no classes, a unit with one may be told as another or as an unknown fault.',
    'One class per window: of two faults at once the stronger is meant, the other shows among the rivals at best.',
    'Windows need settled running; a unit that hardly runs is not judged.',
  ],
}
const artefact: Artefact = { card: draft, reference, parity, model }
draft.decision.threshold = await chooseThreshold(artefact, runtime, units.calibrate)
draft.scores = { split: 'test', ...(await scoreUnits(type, units.test, { artefact, runtime })) }
await runtime.stop()

const target = isQuick ? WORK : join(ARTEFACTS_DIRECTORY, type.id)
mkdirSync(target, { recursive: true })
for (const name of ['model.onnx', 'reference.json', 'parity.json']) writeFileSync(join(target, name), readFileSync(join(WORK, name)))
writeFileSync(join(target, 'card.json'), `${JSON.stringify(draft, null, 2)}\n`)
checkArtefact(await readArtefact(target), type)
say(`wrote ${target}`)
console.log(JSON.stringify(draft.scores))
