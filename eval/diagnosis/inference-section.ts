/** How many windows of units the platform diagnoses in a second of CPU, through the code that serves: residuals, model, opinion and record. */
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createDiagnoser } from '../../models/diagnose.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import type { EvalSection } from '../evaluation/table.ts'
import { type JudgedType, withModel } from './section.ts'
import { simulateJobs } from './simulation.ts'
import { jobsOf, ORDINARY_FLEET } from './splits.ts'

const UNITS = 10_000
/** Windows of one unit before the measured one, so that each has its state. */
const BEFORE = 4

export const inferenceSection: EvalSection = {
  id: 'inference',
  run: ({ isQuick }) =>
    withModel(airConditioner, async (model) => {
      const { cpuS, units } = await measure(model, isQuick ? 1_000 : UNITS)
      const windowMs = airConditioner.recipe?.windowMs ?? 0
      const perMinute = (UNITS * 60_000) / windowMs
      return [
        {
          id: 'inference',
          title: 'Cost of inference',
          data: 'load',
          command: 'npm run eval -- --only inference',
          rows: [
            { measure: 'windows diagnosed in a second of CPU', value: Math.round(units / cpuS) },
            { measure: `CPU seconds for a window of each of ${UNITS} units`, value: (cpuS * UNITS) / units },
            {
              measure: `CPU seconds for a minute's windows of ${UNITS} units`,
              value: (cpuS * perMinute) / units,
              goal: { max: 1 },
              note: `windows of ${windowMs / 3_600_000} h: ${perMinute.toFixed(1)} close in a minute`,
            },
          ],
          notes: [
            'Air conditioner, all threads of the process, batches as the pipeline makes them. Windows of all units close together after a full window, and are queued then.',
          ],
        },
      ]
    }),
}

async function measure({ type, artefact, runtime }: JudgedType, units: number): Promise<{ cpuS: number; units: number }> {
  const fleet = (await simulateJobs(jobsOf(type, ORDINARY_FLEET))).flat()
  const stretches = fleet
    .map(({ windows }) => windows.filter(({ isDiagnosable }) => isDiagnosable).slice(0, BEFORE + 1))
    .filter(({ length }) => length > BEFORE)
  const of = (round: number): ClosedWindow[] =>
    Array.from({ length: units }, (_, index) => ({ ...stretches[index % stretches.length]?.[round], device: `unit-${index}` }) as ClosedWindow)
  const diagnoser = createDiagnoser({ types: () => type, artefacts: new Map([[type.id, artefact]]), runtime: () => runtime, log: silentLog, limits })
  const run = async (windows: readonly ClosedWindow[]): Promise<void> => {
    for (let at = 0; at < windows.length; at += limits.inferenceBatch_MAX) await diagnoser.diagnose(windows.slice(at, at + limits.inferenceBatch_MAX))
  }
  for (let round = 0; round < BEFORE; round++) await run(of(round))
  const measured = of(BEFORE)
  const before = process.cpuUsage()
  await run(measured)
  const { user, system } = process.cpuUsage(before)
  return { cpuS: (user + system) / 1e6, units }
}
