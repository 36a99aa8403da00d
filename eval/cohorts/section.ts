/**
 * Evaluation of the early warning of cohorts: days from the first affected unit of a bad batch to the flag, against tickets counted in a
 * u-chart whose limit gives the same false flags, and false flags of sound fleets. Fleets of fault events by the life models, three seeds.
 */
import { cohortStandings } from '../../models/cohorts.ts'
import { DAY_MS } from '../../simulators/fleet-faults.ts'
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { BAD_BATCH, type EventFleet, eventFleet, START_MS, TYPE } from './fault-events.ts'
import { ticketFlags } from './ticket-chart.ts'

const UNITS = 2_000
const DAYS = 540
const QUARTERS = DAYS / (365.25 / 4)
const BAD = { ratio: 5 } as const
/** Wear faults of parts, which a batch may carry. */
const FAULTS = ['AC-01', 'AC-05', 'AC-08'] as const
const SIGMAS = [3, 3.5, 4, 4.5, 5, 6]

export const cohortSection: EvalSection = {
  id: 'cohorts',
  async run({ isQuick }) {
    const seeds = isQuick ? ['one'] : ['one', 'two', 'three']
    const faults = isQuick ? FAULTS.slice(0, 1) : [...FAULTS, ...FAULTS, ...FAULTS, ...FAULTS]
    const sound = seeds.map((seed) =>
      Array.from({ length: isQuick ? 1 : 4 }, (_, index) => eventFleet({ seed: `cohorts/${seed}/sound/${index}`, units: UNITS, days: DAYS })),
    )
    const falseOurs = sound.map((fleets) => meanOf(fleets.map((fleet) => flagsOf(fleet).length / QUARTERS)))
    const falseChart = (sigmas: number): number[] => sound.map((fleets) => meanOf(fleets.map((fleet) => chartOf(fleet, sigmas).length / QUARTERS)))
    const sameBudget = SIGMAS.find((sigmas) => meanOf(falseChart(sigmas)) <= 1) ?? 6
    const bad = seeds.map((seed) => faults.map((fault, index) => badFleet(`cohorts/${seed}/bad/${index}`, fault)))
    const daysOf = (pick: (one: BadFleet) => number): number[] => bad.map((fleets) => meanOf(fleets.map(pick)))
    const ours = daysOf(({ ours: days }) => days)
    const chart = daysOf(({ fleet, fault }) => chartDays(fleet, fault, sameBudget))
    const classic = daysOf(({ fleet, fault }) => chartDays(fleet, fault, 3))
    const chartMean = meanOf(chart)
    return [
      {
        id: 'cohorts',
        title: 'Early warning of a bad batch',
        data: 'simulated',
        command: 'npm run eval -- --only cohorts',
        rows: [
          {
            measure: 'days from the first affected unit to the flag',
            ...overSeeds(ours),
            baselines: [{ name: `ticket chart at ${sameBudget} sigma`, value: chartMean }],
            goal: { max: chartMean / 2 },
            note: `what is not flagged counts with the days that were watched (${DAYS})`,
          },
          {
            measure: 'days gained against the ticket chart of the same budget',
            ...overSeeds(ours.map((days, index) => (chart[index] ?? 0) - days)),
            baselines: [{ name: 'ticket chart', value: 0 }],
            goal: { min: chartMean / 2 },
          },
          {
            measure: 'days of the usual ticket chart at 3 sigma',
            ...overSeeds(classic),
            note: `with ${meanOf(falseChart(3)).toFixed(2)} false flags a quarter`,
          },
          {
            measure: 'false flags a quarter, sound fleets, all batches, firmware versions and faults together',
            ...overSeeds(falseOurs),
            baselines: [],
            goal: { max: 1 },
            floor: { max: 1 },
            note: `ticket chart of the same budget: ${meanOf(falseChart(sameBudget)).toFixed(2)}`,
          },
          {
            measure: 'bad batches that were flagged, share',
            ...overSeeds(bad.map((fleets) => meanOf(fleets.map(({ isFlagged }) => Number(isFlagged))))),
          },
        ],
        notes: [
          `Fleets of fault events, not of physics: ${UNITS} air conditioners in 12 batches of one type, ${DAYS} days; one batch has ${[...new Set(faults)].join(', ')} (${faults.length} fleets a seed, one fault each) ${BAD.ratio} times as often.`,
          'Design values: 80 % of faults are named, at 25 to 60 % of their growth, 1 false naming per 1,000 unit-weeks; 70 % become a ticket with the right cause, 2 to 14 days after a call at 70 to 130 %.',
        ],
      },
    ]
  },
}

interface BadFleet {
  readonly fleet: EventFleet
  readonly fault: string
  readonly ours: number
  readonly isFlagged: boolean
}

function badFleet(seed: string, fault: string): BadFleet {
  const fleet = eventFleet({ seed, units: UNITS, days: DAYS, bad: { fault, ...BAD } })
  const flagged = flagsOf(fleet).find((flag) => flag.scope === 'batch' && flag.cohort === BAD_BATCH && flag.fault === fault)
  return { fleet, fault, ours: daysTo(fleet, flagged?.flagged_at_ms ?? undefined), isFlagged: flagged !== undefined }
}

function flagsOf({ units, named }: EventFleet) {
  const span = { from_ms: START_MS, to_ms: START_MS + DAYS * DAY_MS }
  return cohortStandings(units, named, { types: () => TYPE, ...span, flagsPerQuarter: 1 }).filter(({ flagged_at_ms }) => flagged_at_ms !== null)
}

const chartOf = (fleet: EventFleet, sigmas: number) => ticketFlags(fleet, { startMs: START_MS, days: DAYS, sigmas })
const chartDays = (fleet: EventFleet, fault: string, sigmas: number): number =>
  daysTo(fleet, chartOf(fleet, sigmas).find((flag) => flag.batch === BAD_BATCH && flag.fault === fault)?.at_ms)
const daysTo = ({ firstAffectedMs = START_MS }: EventFleet, atMs: number = START_MS + DAYS * DAY_MS): number =>
  Math.max(0, atMs - firstAffectedMs) / DAY_MS
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
