/**
 * Repairs that were done badly, only claimed, or coded wrongly: how many the sensors catch before the household has to call again, and how
 * many good ones are reopened without need. Beside it what an organisation without sensors has: the repeat call within 30 days.
 */
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import type { CityVisit } from '../../simulators/city/dispatch.ts'
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { inCities, livePolicy, plansOf } from './cities.ts'
import { share } from './measures.ts'
import type { PolicyRun } from './run-policy.ts'

/** Units of each city here. */
const UNITS = 800
/** Repairs of the last weeks are left out: neither the sensors nor the household had time. */
const WAIT_DAYS = 21
const REPEAT_MS = 30 * DAY_MS

interface Caught {
  readonly failed: number
  readonly failedCaught: number
  readonly wrongCodes: number
  readonly wrongCodesCaught: number
  readonly all: number
  readonly repeatCall: number
  readonly reopenedWrongly: number
}

export const repairsSection: EvalSection = {
  id: 'repairs-caught',
  async run({ isQuick }) {
    const seeds = await inCities(plansOf(isQuick, UNITS), (city) => livePolicy('mendline', city, caughtOf))
    const over = (pick: (one: Caught) => number) => overSeeds(seeds.map(pick))
    const sum = (pick: (one: Caught) => number): number => seeds.reduce((total, one) => total + pick(one), 0)
    return [
      {
        id: 'repairs-caught',
        title: 'The service loop in a city: repairs that were none',
        data: 'simulated',
        command: 'npm run eval:service -- --only repairs-caught',
        rows: [
          {
            measure: 'bad, mis-coded and phantom repairs caught by sensors',
            ...over(({ all }) => all),
            baselines: [{ name: '30-day repeat call', value: over(({ repeatCall }) => repeatCall).value ?? 0 }],
            goal: { min: 0.8 },
            note: `${sum(({ failed }) => failed)} bad or phantom, ${sum(({ wrongCodes }) => wrongCodes)} mis-coded`,
          },
          { measure: 'of these bad and phantom', ...over(({ failedCaught }) => failedCaught) },
          { measure: 'of these mis-coded', ...over(({ wrongCodesCaught }) => wrongCodesCaught) },
          { measure: 'good repairs reopened', ...over(({ reopenedWrongly }) => reopenedWrongly), goal: { max: 0.03 } },
        ],
        notes: [
          `Cities of ${UNITS} units. Repairs of orders that Mendline opened, up to ${WAIT_DAYS} days before the end. A bad or phantom one is caught when its order reopens or a sign is raised before the household calls again; a mis-coded one when its sign is raised.`,
        ],
      },
    ]
  },
}

function caughtOf({ run, mendline }: PolicyRun): Caught {
  const told = new Map<string, Array<{ type: string; sign: unknown; atMs: number }>>()
  for (const { atMs, event } of mendline?.received ?? []) {
    const isReopened = event.type === 'mendline.work_order.reopened.v1'
    if (!isReopened && event.type !== 'mendline.repair.sign.v1') continue
    told.set(event.subject, [...(told.get(event.subject) ?? []), { type: isReopened ? 'reopened' : 'sign', sign: event.data.sign, atMs }])
  }
  const known = run.dispatch.visits.filter(({ order, atMs }) => order.startsWith('wo_') && atMs < run.endMs - WAIT_DAYS * DAY_MS)
  const after = ({ order, atMs }: CityVisit, isHit: (one: { type: string; sign: unknown }) => boolean): number | undefined =>
    told.get(order)?.find((one) => one.atMs >= atMs && one.atMs <= atMs + REPEAT_MS && isHit(one))?.atMs
  const calledMs = ({ device, atMs }: CityVisit): number | undefined =>
    run.customers.contacts.find(
      (contact) => contact.kind === 'report' && contact.device === device && contact.atMs > atMs && contact.atMs <= atMs + REPEAT_MS,
    )?.atMs
  const isFailedCaught = (visit: CityVisit): boolean =>
    (after(visit, () => true) ?? Number.POSITIVE_INFINITY) < (calledMs(visit) ?? Number.POSITIVE_INFINITY)
  const isWrongCaught = (visit: CityVisit): boolean => after(visit, ({ sign }) => sign === 'miscoded_repair') !== undefined
  const failed = known.filter(({ kind }) => kind === 'bad' || kind === 'phantom')
  const wrongCodes = known.filter(({ isWrongCode }) => isWrongCode)
  const good = known.filter(({ kind, isWrongCode }) => kind === 'repaired' && !isWrongCode)
  const caught = (visit: CityVisit): boolean => (visit.isWrongCode ? isWrongCaught(visit) : isFailedCaught(visit))
  return {
    failed: failed.length,
    failedCaught: share(failed, isFailedCaught),
    wrongCodes: wrongCodes.length,
    wrongCodesCaught: share(wrongCodes, isWrongCaught),
    all: share([...failed, ...wrongCodes], caught),
    repeatCall: share([...failed, ...wrongCodes], (visit) => calledMs(visit) !== undefined),
    reopenedWrongly: share(good, (visit) => after(visit, ({ type }) => type === 'reopened') !== undefined),
  }
}
