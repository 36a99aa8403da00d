/**
 * `npm run train`: makes the artefacts of the committed classifiers from simulated fleets. Prepares its own Python environment, simulates
 * units (training, tuning, calibration and test each from fleets of their own), trains, chooses the threshold by the alert budget,
 * measures on the test units and writes the card. `--type T` makes one, `--quick` uses small fleets and writes to
 * `models/training/scratch/` only; `--trial` takes eight units a split, to see that the command runs. `--settle` settles anew how a model
 * that is there is used; `--leads` prints where the days before the customer notices are lost, and how much of a fault is learned as normal,
 * on the units that settle it.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { DAY_MS, type LabelledUnit, labelAt } from '../eval/diagnosis/dataset.ts'
import { leadLines, leadTimes } from '../eval/diagnosis/lead-times.ts'
import { learnedLine, learnedWindows } from '../eval/diagnosis/learned-windows.ts'
import { ALERT_BUDGET, cleanWeeksOf, firstOnsetMs, judgeUnits, scoreUnits } from '../eval/diagnosis/score.ts'
import { believedUnits, type PlainUnit, settleFilter, tellPlainly } from '../eval/diagnosis/settle-filter.ts'
import { SPLITS, type SplitName, type SplitSize, simulateSplit, splitOf } from '../eval/diagnosis/splits.ts'
import { earlyLabelAt } from '../eval/diagnosis/training-labels.ts'
import { ARTEFACTS_DIRECTORY, type Artefact, checkArtefact, readArtefact } from '../models/artefact.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { AGREE_MIN } from '../models/opinion.ts'
import { createOnnxRuntime } from '../models/runtimes/onnx-runtime.ts'
import { preparePython } from '../models/training/python.ts'
import { trainArtefact } from '../models/training/train-artefact.ts'
import { classesOf, type TrainingUnit } from '../models/training/training-set.ts'
import type { UnitNormalOptions } from '../models/unit-normal.ts'
import { severityAt } from '../simulators/fleet-faults.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WORK = join(ROOT, 'models/training/scratch')
const SEED = 20_260_101
/** Means over a day or two see a fault early; a week and a month of windows are inputs, too. */
const smoothingOf = (type: ApplianceType) => ({ windows: (type.recipe?.windowMs ?? 0) < DAY_MS ? 4 : 2, age_ms: 10 * DAY_MS })
/** Units of training that are each of a maker of their own differ as those of the field do, and need less of what stands for other makers. */
const isMixed = (type: ApplianceType): boolean => splitOf(type, 'train').isMixed === true
/**
 * Where a unit is learned for longer, as long as nothing departs: few windows of a day leave its normal unsure, and what is unsure went on
 * being learned while a fault grew. Chosen on the units that tune.
 */
const LEARNED_LONG: Readonly<Record<string, Pick<UnitNormalOptions, 'windows' | 'departure'>>> = {
  gas_water_heater: { windows: 60, departure: { windows: 6, z: 0.8 } },
}
/** A unit's normal is learned over about two weeks; units of the field are taken to differ this much more from each other than simulated ones. */
const unitOf = (type: ApplianceType) => ({
  windows: Math.max(6, Math.round((14 * 86_400_000) / (type.recipe?.windowMs ?? 86_400_000) / 1.4)),
  widen: isMixed(type) ? 1 : 2,
  ...LEARNED_LONG[type.id],
})
/** What is learned shall carry over to machines of other makers: what they show answers half or twice as strongly, and to other things. */
const makersOf = (type: ApplianceType) => ({
  copies: isMixed(type) ? 1 : 2,
  spread: { gain: 0.25, offset: 1, slope: 0.4, square: 0.15, noise: 0.15, missing: 0.04, signature: { gain: 0.5, absent: 0.1, side: 0.1 } },
})
const LIMITS = [
  'Trained and measured on simulated units; nothing here says how it does on real ones.',
  'The units of the test come from other fleets, seeds and makers than those of training, but makers are drawn by the same program and from the same physics; docs/evaluation.md has another plant.',
  'Faults found by rules alone (XX-01, XX-02) are no classes, a unit with one may be told as another or as an unknown fault.',
  'Windows need settled running; a unit that hardly runs is not judged.',
]

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    trial: { type: 'boolean', default: false },
    settle: { type: 'boolean', default: false },
    leads: { type: 'boolean', default: false },
    type: { type: 'string' },
  },
})
const size: SplitSize = flags.trial ? 'trial' : flags.quick ? 'quick' : 'whole'
/** Only what whole fleets gave goes to the artefacts of the program. */
const workOf = (type: ApplianceType): string => (size === 'trial' ? join(WORK, 'trial', type.id) : join(WORK, type.id))
const targetOf = (type: ApplianceType): string => (size === 'whole' ? join(ARTEFACTS_DIRECTORY, type.id) : workOf(type))
const say = (text: string): void => console.log(`[${(performance.now() / 1000).toFixed(0).padStart(4)} s] ${text}`)

const chosen = applianceTypes.filter((type) => type.recipe !== undefined && (flags.type === undefined || type.id === flags.type))
if (chosen.length === 0) {
  console.error(`there is no type ${flags.type} with a recipe; there are ${applianceTypes.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}
const python = flags.settle || flags.leads ? '' : preparePython(say)
for (const type of chosen) await (flags.leads ? showLeads(type) : flags.settle ? settle(type) : train(type))

async function split(type: ApplianceType, name: SplitName): Promise<LabelledUnit[]> {
  const units = await simulateSplit(type, name, size)
  say(`${type.id}: ${units.length} units for ${name}`)
  return units
}

async function train(type: ApplianceType): Promise<void> {
  const units = { train: await split(type, 'train'), tune: await split(type, 'tune'), calibrate: await split(type, 'calibrate') }
  const classes = classesOf(type)
  const asTraining = (all: readonly LabelledUnit[], isEarly = false): TrainingUnit[] =>
    all.map(({ seed, device, windows, truths }) => ({
      key: `${seed}/${device}`,
      windows,
      severitiesAt: (atMs) => truths.map((truth) => [truth.fault, severityAt(truth, atMs)] as const).filter(([, severity]) => severity > 0),
      labelAt: (atMs) => (isEarly ? earlyLabelAt(truths, atMs, { classes }) : labelAt(truths, atMs, classes)),
    }))
  const folder = workOf(type)
  const { artefact, runtime } = await trainArtefact(
    type,
    { train: asTraining(units.train, true), tune: asTraining(units.tune), calibrate: asTraining(units.calibrate, true) },
    {
      python,
      folder,
      seed: SEED,
      smoothing: smoothingOf(type),
      alertBudget: ALERT_BUDGET,
      unit: unitOf(type),
      makers: makersOf(type),
      data: {
        source: 'simulated by simulators/fleet.ts; no field data, hence no date of data',
        seed: SEED,
        splits: splitsOf(type),
        is_quick: size !== 'whole',
      },
      limits: LIMITS,
      startRuntime: async (model, contract) => {
        const started = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
        await started.start()
        return started
      },
      say: (text) => say(`${type.id}: ${text}`),
    },
  )
  const target = targetOf(type)
  mkdirSync(target, { recursive: true })
  // The very bytes that the card has hashes of.
  if (target !== folder) for (const name of ['model.onnx', 'reference.json', 'parity.json']) copyFileSync(join(folder, name), join(target, name))
  await finish(type, { artefact, runtime }, target)
}

/** Settles filter and threshold of the model that is there anew, and measures it. */
async function settle(type: ApplianceType): Promise<void> {
  const { target, ...model } = await modelThere(type)
  await finish(type, model, target)
}

/** The model that is there, started. */
async function modelThere(type: ApplianceType): Promise<{ artefact: Artefact; runtime: ModelRuntime; target: string }> {
  const target = targetOf(type)
  const artefact = checkArtefact(await readArtefact(target), type)
  const { card, model } = artefact
  const contract = { inputName: card.input_name, outputName: card.output_name, featureCount: card.inputs.length, classCount: card.classes.length }
  const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
  await runtime.start()
  return { artefact, runtime, target }
}

/** Prints by fault when it was seen, told and noticed, on the units that settle how the model is used. */
async function showLeads(type: ApplianceType): Promise<void> {
  const { artefact, runtime } = await modelThere(type)
  const { accumulation, classes, decision } = artefact.card
  delete artefact.card.accumulation
  const units = await split(type, 'calibrate')
  const plain = await judgeUnits(type, units, { artefact, runtime })
  await runtime.stop()
  say(`${type.id}: windows learned as normal: ${learnedLine(learnedWindows(type, units, artefact))}`)
  const filter = { accumulation, agree: decision.agree_windows ?? AGREE_MIN }
  const use = { classes, filter, threshold: decision.threshold, unknownDistance: decision.unknown_distance }
  say(`${type.id}: days before the customer notices, median (quartiles) by fault`)
  for (const line of leadLines(leadTimes(type, plain, use))) console.log(line)
}

/** Settles how the model is used, measures it on makers that nothing was fitted to, and writes the card. */
async function finish(type: ApplianceType, { artefact, runtime }: { artefact: Artefact; runtime: ModelRuntime }, target: string): Promise<void> {
  const { card } = artefact
  const shares = sharesOf(card)
  card.data.shares = shares
  delete card.accumulation
  const plain = await judgeUnits(type, await split(type, 'calibrate'), { artefact, runtime })
  const { accumulation, agree } = settleFilter(type, plain, {
    classes: card.classes,
    shares,
    unknownDistance: card.decision.unknown_distance,
    say: (text) => say(`${type.id}: ${text}`),
  })
  if (accumulation !== undefined) card.accumulation = accumulation
  card.decision.agree_windows = agree
  card.decision.threshold = chooseThreshold(type, artefact, believedUnits(plain, { accumulation, agree }, card.classes))
  card.scores = {
    split: 'test',
    ...(await scoreUnits(type, await split(type, 'test'), { artefact, runtime })),
    // Units that are each of a maker of their own: the harder test.
    strangers: await scoreUnits(type, await split(type, 'strangers'), { artefact, runtime }),
  }
  await runtime.stop()
  writeFileSync(join(target, 'card.json'), `${JSON.stringify(card, null, 2)}\n`)
  checkArtefact(await readArtefact(target), type)
  say(`${type.id}: wrote ${target}`)
  console.log(JSON.stringify(card.scores))
}

function splitsOf(type: ApplianceType) {
  return Object.fromEntries(Object.keys(SPLITS).map((name) => [name, splitOf(type, name as SplitName)]))
}

/** What the model says without evidence, as the trainer wrote it. */
function sharesOf({ data, accumulation, classes }: Artefact['card']): readonly number[] {
  const shares: unknown = data.shares ?? accumulation?.shares
  if (!Value.Check(Type.Array(Type.Number(), { minItems: classes.length }), shares))
    throw new Error('the card has no shares of the classes; train anew')
  return shares
}

/** Lowest threshold whose false alarms on the calibration units stay within the budget. */
function chooseThreshold(type: ApplianceType, { card: { classes, decision } }: Artefact, judged: readonly PlainUnit[]): number {
  const weeks = judged.reduce((sum, { unit }) => sum + cleanWeeksOf(unit), 0)
  for (const threshold of [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99]) {
    const alarms = judged.reduce((sum, { unit, judgements }) => {
      const told = tellPlainly(judgements, { classes, threshold, unknownDistance: decision.unknown_distance, agree: decision.agree_windows ?? 2 })
      return sum + told.filter(({ answer, made_at_ms }) => answer !== 'no_fault' && made_at_ms <= firstOnsetMs(unit)).length
    }, 0)
    say(`${type.id}: threshold ${threshold}: ${alarms} false alarms in ${weeks.toFixed(0)} unit-weeks`)
    if ((1000 * alarms) / weeks <= ALERT_BUDGET) return threshold
  }
  return 0.995
}
