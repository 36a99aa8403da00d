/**
 * Units that are not connected: what a household says (code, symptom, at most five answers) against what the readings of the same unit would
 * have said at the time of its call. Right is the fault that the household calls about; the city alone knows it.
 */
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { hubMigrations } from '../../hubs/hub-tables.ts'
import { createHubs, type HubsOptions } from '../../hubs/hubs.ts'
import { rankFaults } from '../../hubs/intake/rank-faults.ts'
import { openOperations } from '../../operations/open-database.ts'
import { CityClock, DAY_MS } from '../../simulators/city/city-clock.ts'
import { cityParameters } from '../../simulators/city/city-parameters.ts'
import { createCityTruth } from '../../simulators/city/city-truth.ts'
import { cityTypes, QUARTER_START_MS } from '../../simulators/city/city-units.ts'
import { createCustomers } from '../../simulators/city/customers.ts'
import { createHouseholdVoice, type Seen } from '../../simulators/city/household-answers.ts'
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { inCities, plansOf } from './cities.ts'
import { reportToHubs } from './dialogue.ts'
import { share } from './measures.ts'
import type { PolicyCity } from './run-policy.ts'

/** Units of each city here. */
const UNITS = 600
const TENANT = 'home'

interface Call {
  /** Right by code and answers, by the code alone, and by the readings. */
  readonly said: boolean
  readonly coded: boolean
  readonly measured: boolean
  /** The readings had told of some fault before the call. */
  readonly isTold: boolean
  readonly isNamed: boolean
}

interface Shares {
  readonly said: number
  readonly coded: number
  readonly measured: number
  readonly calls: number
}

export const unconnectedSection: EvalSection = {
  id: 'unconnected',
  async run({ isQuick }) {
    const seeds = await inCities(plansOf(isQuick, UNITS), callsOf)
    const all = seeds.map(sharesOf)
    const told = seeds.map((calls) => sharesOf(calls.filter(({ isTold }) => isTold)))
    const over = (pick: (one: Shares) => number, of = all) => overSeeds(of.map(pick))
    const count = (of: readonly Shares[]): number => of.reduce((sum, { calls }) => sum + calls, 0)
    return [
      {
        id: 'unconnected',
        title: 'The service loop in a city: units that are not connected',
        data: 'simulated',
        command: 'npm run eval:service -- --only unconnected',
        rows: [
          {
            measure: 'top-1 with code and at most five questions over top-1 with telemetry, where telemetry had told of a fault',
            ...over(({ said, measured }) => said / measured, told),
            baselines: [{ name: 'code table', value: over(({ coded, measured }) => coded / measured, told).value ?? Number.NaN }],
            goal: { min: 0.7 },
            note: `${count(told)} calls`,
          },
          {
            measure: 'the same over all calls, where telemetry is wrong as long as it has told nothing',
            ...over(({ said, measured }) => said / measured),
            baselines: [{ name: 'code table', value: over(({ coded, measured }) => coded / measured).value ?? Number.NaN }],
            note: `${count(all)} calls`,
          },
          {
            measure: 'top-1 with code and at most five questions, all calls',
            ...over(({ said }) => said),
            baselines: [{ name: 'code table', value: over(({ coded }) => coded).value ?? Number.NaN }],
          },
          { measure: 'top-1 with telemetry at the time of the call, all calls', ...over(({ measured }) => measured) },
          { measure: 'of the reports: fault named (0.6 or more)', ...overSeeds(seeds.map((calls) => share(calls, ({ isNamed }) => isNamed))) },
        ],
        notes: [
          `Cities of ${UNITS} units; every fault about which a household would call in the quarter, at the instant of that call. The city's chances of codes, symptoms and answers are not those of the catalogue (\`simulators/city/household-answers.ts\`, frozen). The code table names the likeliest fault by the code on the display, and by how often faults come where there is none.`,
        ],
      },
    ]
  },
}

function sharesOf(calls: readonly Call[]): Shares {
  const of = (pick: (call: Call) => boolean): number => share(calls, pick)
  return { said: of(({ said }) => said), coded: of(({ coded }) => coded), measured: of(({ measured }) => measured), calls: calls.length }
}

export async function callsOf({ plan, units, signals }: PolicyCity): Promise<Call[]> {
  const endMs = QUARTER_START_MS + plan.days * DAY_MS
  const truth = createCityTruth(plan.seed, units)
  const clock = new CityClock(QUARTER_START_MS)
  const customers = createCustomers({
    ...{ seed: plan.seed, clock, parameters: cityParameters, truth, untilMs: endMs },
    orderOf: () => undefined,
    contact: async () => {},
  })
  const called = truth.faults
    .flatMap((fault) => ({ fault, atMs: customers.wouldCallMs(fault) ?? Number.NaN }))
    .filter(({ atMs }) => !Number.isNaN(atMs))
    .sort((a, b) => a.atMs - b.atMs)
  const desk = await openDesk(units)
  const voice = createHouseholdVoice(plan.seed, cityParameters)
  const calls: Call[] = []
  for (const { fault, atMs } of called) {
    const unit = truth.units.get(fault.device)
    if (unit?.type.intake === undefined) continue
    const seen: Seen = { type: unit.type, device: fault.device, fault: fault.code, severity: truth.severity(fault, atMs), atMs }
    desk.clock.advance(Math.max(0, Math.ceil(atMs) - desk.clock.now()))
    const { diagnosis } = await reportToHubs({ hubs: desk.hubs, voice, tenant: TENANT }, seen)
    const { fault_code: code } = voice.opens(seen)
    const coded = rankFaults(unit.type, unit.type.intake, { code, answers: new Map() })[0]?.fault
    const told = (await signals.untouched(unit)).filter((one) => one.event.kind === 'diagnosis_made' && one.atMs <= atMs).at(-1)?.event
    const diagnosed = told?.kind === 'diagnosis_made' ? told.diagnosis : undefined
    // Of a diagnosis that names none the likeliest counts.
    const measured = diagnosed?.fault ?? diagnosed?.rivals.find((rival) => rival.fault !== 'no_fault')?.fault
    calls.push({
      said: diagnosis.ranked[0]?.fault === fault.code,
      coded: coded === fault.code,
      measured: measured === fault.code,
      isTold: diagnosed !== undefined && diagnosed.answer !== 'no_fault',
      isNamed: diagnosis.fault !== null,
    })
  }
  await desk.close()
  return calls
}

/** Hubs that know the units by their registration alone. */
async function openDesk(units: PolicyCity['units']) {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const types = new Map(cityTypes().map((type) => [type.id, type]))
  const known = new Map(units.map(({ facts }) => [facts.device, facts]))
  const clock = new ManualClock(QUARTER_START_MS)
  const hubs = createHubs({
    database: operations.database as unknown as HubsOptions['database'],
    catalogue: (type) => types.get(type),
    unitOf: (_tenant, device) => known.get(device),
    clock,
    log: silentLog,
    commands: { give: async () => {}, given: () => {} },
  })
  return { hubs, clock, close: () => operations.close() }
}
