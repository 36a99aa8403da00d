/**
 * `npm run eval`: measures the committed classifier on simulated units of seeds that neither training nor its test has seen, and prints
 * a table and one JSON line. `--quick` takes fewer units (under a minute), `--check` exits with 1 below the floors, `--seeds a,b,c`
 * names other fleets. `--data` is accepted and not used: there is no public data with these channels.
 */
import { parseArgs } from 'node:util'
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Artefact, loadArtefacts } from '../../models/artefact.ts'
import { createOnnxRuntime } from '../../models/runtimes/onnx-runtime.ts'
import { type Scores, scoreUnits } from './score.ts'
import { simulateSeeds } from './splits.ts'

/** Lowest acceptable scores; they are far below what the card says and far above chance. */
const FLOORS = { fault_top1: 0.7, fault_top2: 0.8 } as const
/** Highest acceptable ones. */
const CEILINGS = { ece: 0.12, false_alarms_per_1000_unit_weeks: 25, shuffled_top1: 0.25 } as const

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    seeds: { type: 'string', default: 'eval-a,eval-b,eval-c' },
    data: { type: 'string' },
  },
})

const artefact = (await loadArtefacts((id) => (id === type.id ? type : undefined))).get(type.id)
if (artefact === undefined) throw new Error('there is no committed artefact; npm run train makes one')
const seeds = flags.seeds.split(',')
const units = await simulateSeeds(type, { seeds, unitsPerFleet: flags.quick ? 60 : 200, faultShare: 0.5 })
const scores = await score(artefact)
print(scores)
const missed = [
  ...Object.entries(FLOORS).flatMap(([name, floor]) => (scores[name as keyof typeof FLOORS] >= floor ? [] : [`${name} below ${floor}`])),
  ...Object.entries(CEILINGS).flatMap(([name, ceiling]) => (scores[name as keyof typeof CEILINGS] <= ceiling ? [] : [`${name} above ${ceiling}`])),
]
if (missed.length > 0) console.log(`missed: ${missed.join(', ')}`)
console.log(JSON.stringify({ eval: 'diagnosis', data: 'simulated', model: artefact.card.version, seeds, missed, ...scores }))
if (flags.check && missed.length > 0) process.exitCode = 1

async function score(judged: Artefact): Promise<Scores> {
  const { card, model } = judged
  const contract = { inputName: card.input_name, outputName: card.output_name, featureCount: card.inputs.length, classCount: card.classes.length }
  const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
  await runtime.start()
  try {
    return await scoreUnits(type, units, { artefact: judged, runtime })
  } finally {
    await runtime.stop()
  }
}

function print(result: Scores): void {
  const pct = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(8)
  console.log(`Simulated units never seen in training: ${result.units} over ${result.unit_weeks} unit-weeks, fleets ${seeds.join(', ')}`)
  console.log('class         units  precision   recall')
  for (const row of result.per_class)
    console.log(`${row.class.padEnd(12)} ${String(row.units).padStart(6)}   ${pct(row.precision)} ${pct(row.recall)}`)
  console.log(
    `windows, mean over classes   top-1 ${pct(result.top1)}   top-2 ${pct(result.top2)}   (labels of other units: ${pct(result.shuffled_top1)})`,
  )
  console.log(
    `windows with a fault         top-1 ${pct(result.fault_top1)}   top-2 ${pct(result.fault_top2)}   calibration error ${result.ece.toFixed(3)}`,
  )
  console.log(
    `units with a fault at the end: told right ${pct(result.told_right)}, wrong ${pct(result.told_wrong)}, nothing ${pct(result.told_nothing)}`,
  )
  console.log(`lead from the onset: median ${result.lead_days_median ?? '-'} days of the simulated growth`)
  console.log(
    `false alarms: ${result.false_alarms} in ${result.clean_unit_weeks} clean unit-weeks = ${result.false_alarms_per_1000_unit_weeks} per 1,000`,
  )
}
