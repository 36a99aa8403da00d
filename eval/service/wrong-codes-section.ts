/**
 * What wrong codes cost: a site's own model trained from the labels of a quarter of visits, with every code right, with a tenth of them wrong and
 * taken as they are, and with the same wrong ones weighed by what the sensors say of each, as `mendline models train` does. The models are
 * judged on units of other homes; the training is the program's own.
 */
import { Worker } from 'node:worker_threads'
import { type EvalRow, type EvalSection, overSeeds } from '../evaluation/table.ts'
import type { SeedPlan, SeedResult, Taken } from './wrong-codes-run.ts'

const TYPE = 'air_conditioner'
const SEEDS = ['codes-a', 'codes-b', 'codes-c'] as const
/** A quarter. */
const DAYS = 90
const UNITS = { visited: 150, judged: 60 }
const QUICK = { visited: 40, judged: 12 }

export const wrongCodesSection: EvalSection = {
  id: 'wrong-codes',
  async run({ isQuick }) {
    const seeds = isQuick ? ['codes-dev'] : SEEDS
    const units = isQuick ? QUICK : UNITS
    const made = await Promise.all(seeds.map((seed) => inWorker({ seed, ...units, days: DAYS })))
    const missing = made.find((one) => typeof one === 'string')
    const results = made.filter((one) => typeof one !== 'string')
    return missing ?? [tableOf(results, units)]
  },
}

/** The seeds run side by side. */
function inWorker(plan: SeedPlan): Promise<SeedResult | string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./wrong-codes-worker.ts', import.meta.url), { workerData: { type: TYPE, plan } })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the seed ${plan.seed} ended with ${code}`)))
  })
}

function tableOf(results: readonly SeedResult[], units: typeof UNITS) {
  const over = (pick: (one: SeedResult) => number) => overSeeds(results.map(pick))
  const sum = (pick: (one: SeedResult) => number): number => results.reduce((total, one) => total + pick(one), 0)
  const lost = (taken: Taken) => (one: SeedResult) => 100 * (one.top1.clean - one.top1[taken])
  const rows: EvalRow[] = [
    {
      measure: 'accuracy lost by a tenth of wrong codes, weighed by the sensors; points of top-1',
      ...over(lost('weighed')),
      baselines: [{ name: 'raw codes', value: over(lost('raw')).value ?? Number.NaN }],
      goal: { max: 2 },
    },
    { measure: 'top-1 named fault, every code right', ...over(({ top1 }) => top1.clean) },
    { measure: 'a tenth wrong, as coded', ...over(({ top1 }) => top1.raw) },
    { measure: 'a tenth wrong, weighed', ...over(({ top1 }) => top1.weighed) },
    {
      measure: 'wrong codes that are corrected, left out or believed by less than half',
      value: sum(({ wrongSeen }) => wrongSeen) / sum(({ wrong }) => wrong),
      note: `${sum(({ wrong }) => wrong)} wrong of ${sum(({ labels }) => labels)} labels`,
    },
    { measure: 'right codes of which the same is true', value: sum(({ rightDoubted }) => rightDoubted) / sum(({ labels, wrong }) => labels - wrong) },
  ]
  return {
    id: 'wrong-codes',
    title: 'The service loop: what wrong codes cost a model',
    data: 'simulated' as const,
    command: 'npm run eval:service -- --only wrong-codes',
    rows,
    notes: [
      `Air conditioners of the catalogue's own plant with seeds of their own, ${units.visited} with visits in ${DAYS} days and ${units.judged} of other homes that the models are judged on, each seed. ${sum(({ visits }) => visits)} visits; those before which the committed model had told nothing have no windows to label. The three models of a seed differ in their labels alone: the same units train, tune and calibrate. Every repair holds, parts are those of the true fault, and a wrong code is any other of the type with equal chance; faults grow faster than in life. The goal is held against the mean; the interval says how far three fleets can tell.`,
    ],
  }
}
