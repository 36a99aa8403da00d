/**
 * What looks like a fault and is none: sound units of the second plant under one confuser at a time, each three times as frequent as in
 * life, and how often they are told to have a fault. Beside it the same classifier without context: expectations that know nothing of
 * weather, mains, set points or use, and a change of firmware that goes unnoticed.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type Artefact, NO_FAULT } from '../../models/artefact.ts'
import { addUnitNormal, fitReference } from '../../models/reference.ts'
import type { Confuser } from '../../simulators/confusers.ts'
import type { EvalRow, EvalSection } from '../evaluation/table.ts'
import { SECOND_SEEDS } from '../second-plant/evaluation.ts'
import { type LabelledUnit, labelAt } from './dataset.ts'
import { tellUnits } from './score.ts'
import { type JudgedType, withModel } from './section.ts'
import { simulateJobs } from './simulation.ts'
import { jobsOf, ORDINARY_FLEET } from './splits.ts'

const COMMON: readonly Confuser[] = ['mains', 'outage', 'holiday', 'new_user', 'dirt', 'firmware_rescale']
/** Those of CONFUSERS that reach a type through its surroundings or use; the ones of sending are a matter of the replay. */
const OF_TYPE: Readonly<Record<string, readonly Confuser[]>> = {
  air_conditioner: ['heat_wave', 'cold_snap', 'open_window', 'set_point_habits', ...COMMON],
  fridge: ['heat_wave', 'cold_snap', 'blocked_vents', 'set_point_habits', ...COMMON],
  washing_machine: ['overload', 'hard_water', 'low_water_pressure', ...COMMON],
  gas_water_heater: ['cold_snap', 'low_gas_pressure', 'low_water_pressure', 'hard_water', 'set_point_habits', ...COMMON],
}
const RATE = 3
const DAYS = 49
const UNITS_A_SEED = 5
/** Of the same detector without context. */
const SHARE_MAX = 0.25

/** The table of one type: each is measured again when its model changes, and stands alone until then. */
export function confusersSection(type: ApplianceType): EvalSection {
  const id = `confusers-${type.id.replaceAll('_', '-')}`
  return {
    id,
    async run({ isQuick }) {
      const rows = await withModel(type, (model) => rowsOf(model, isQuick))
      if (typeof rows === 'string') return rows
      return [
        {
          id,
          title: `False diagnoses under what looks like a fault: ${type.name.en}`,
          data: 'simulated',
          command: `npm run eval -- --only ${id}`,
          rows,
          notes: [
            `Faults told of sound units of the second plant per 1,000 unit-weeks, each confuser alone and ${RATE} times as frequent as in life; the interval is that of a Poisson count. The goal is ${SHARE_MAX} of the same classifier without context.`,
          ],
        },
      ]
    },
  }
}

async function rowsOf(model: JudgedType, isQuick: boolean): Promise<EvalRow[]> {
  const { type, artefact, runtime } = model
  const confusers = (OF_TYPE[type.id] ?? COMMON).slice(0, isQuick ? 2 : undefined)
  const blind = { artefact: await withoutContext(model), runtime }
  const split = { seeds: SECOND_SEEDS, unitsPerFleet: isQuick ? 2 : UNITS_A_SEED, faultShare: 0 }
  const jobs = confusers.flatMap((confuser) => jobsOf(type, split, { days: DAYS, confusers: [confuser], confuserRate: RATE }, 'second'))
  const fleets = await simulateJobs(jobs)
  const rows: EvalRow[] = []
  for (const [index, confuser] of confusers.entries()) {
    const units = fleets.slice(index * SECOND_SEEDS.length, (index + 1) * SECOND_SEEDS.length).flat()
    const weeks = units.reduce((sum, unit) => sum + unit.weeks, 0)
    const ours = await countFalse(type, units, { artefact, runtime })
    const theirs = await countFalse(type, units.map(withoutFirmware), blind)
    rows.push(rowOf(confuser.replaceAll('_', ' '), { ours, theirs, weeks }))
  }
  return rows
}

function rowOf(measure: string, { ours, theirs, weeks }: { ours: number; theirs: number; weeks: number }): EvalRow {
  const perThousand = (count: number): number => (1000 * count) / weeks
  const [low, high] = poissonInterval(ours)
  return {
    measure,
    value: perThousand(ours),
    interval: [perThousand(low), perThousand(high)],
    baselines: [{ name: 'without context', value: perThousand(theirs) }],
    ...(theirs > 0 && { goal: { max: SHARE_MAX * perThousand(theirs) } }),
    // So few counts decide no floor; the whole does, in the tables of the types.
    note: `${ours} against ${theirs} in ${Math.round(weeks)} unit-weeks`,
  }
}

/** 95 % interval of a Poisson mean (Byar's approximation, within 0.1 of the exact one). */
function poissonInterval(count: number): [low: number, high: number] {
  const z = 1.96
  const low = count === 0 ? 0 : count * (1 - 1 / (9 * count) - z / (3 * Math.sqrt(count))) ** 3
  const next = count + 1
  return [low, next * (1 - 1 / (9 * next) + z / (3 * Math.sqrt(next))) ** 3]
}

async function countFalse(type: ApplianceType, units: readonly LabelledUnit[], model: Omit<JudgedType, 'type'>): Promise<number> {
  const told = await tellUnits(type, units, model)
  return told.flatMap(({ diagnoses }) => diagnoses.filter(({ answer }) => answer === 'fault' || answer === 'unknown_fault')).length
}

const withoutFirmware = (unit: LabelledUnit): LabelledUnit => ({
  ...unit,
  windows: unit.windows.map((window) => ({ ...window, firmware: undefined })),
})

/** The same classifier over a reference that has no drivers: what a unit shows is held against the mean of its type and of itself. */
async function withoutContext({ type, artefact }: JudgedType): Promise<Artefact> {
  const features = type.recipe?.features ?? []
  const units = (await simulateJobs(jobsOf(type, ORDINARY_FLEET))).flat()
  const sound = units.map(({ windows, truths }) =>
    windows
      .filter((window) => window.isDiagnosable && labelAt(truths, window.to_ms, artefact.card.classes) === NO_FAULT)
      .map((window) => window.features.map((value, index) => (features[index]?.role === 'driving' ? Number.NaN : value))),
  )
  const reference = fitReference(sound.flat(), features, artefact.reference.recipe_version)
  const responses = artefact.reference.responses.map(
    (own) => reference.responses.find(({ feature }) => feature === own.feature) ?? { ...own, coefficients: [own.coefficients[0] ?? 0] },
  )
  const windows = artefact.reference.unit?.windows ?? 10
  return {
    ...artefact,
    reference: addUnitNormal(
      { ...reference, responses },
      sound.map((rows) => ({ windows: rows })),
      { features, drivers: [], windows, widen: 2 },
    ),
  }
}
