/** Runs one policy through a city: (a) calls, (b) threshold alarms, (c) Mendline, (o) the oracle, and Mendline with the findings of other units. */
import { applianceTypes } from '#catalogue/registry.ts'
import { type CityParameters, cityParameters } from '../../simulators/city/city-parameters.ts'
import type { CityPlan, CityUnit } from '../../simulators/city/city-units.ts'
import { createAlarmService, createCallService, createOracle } from '../../simulators/city/plain-service.ts'
import { type CityRun, runCity } from '../../simulators/city/service-city.ts'
import { createMendlineService, type MendlineService } from './mendline-service.ts'
import { playSignals, type SignalPlayer } from './signal-player.ts'
import type { Signals } from './signals.ts'

export const POLICIES = ['calls', 'alarms', 'mendline', 'oracle', 'shuffled'] as const
export type Policy = (typeof POLICIES)[number]

export interface PolicyCity {
  readonly plan: CityPlan
  readonly units: readonly CityUnit[]
  readonly signals: Signals
  /** Other than the frozen ones only in cities of development. */
  readonly parameters?: CityParameters
}

/** A lived quarter; with Mendline its hubs are still open, `close` ends them. */
export interface PolicyRun {
  readonly run: CityRun
  readonly mendline: MendlineService | undefined
  close(): Promise<void>
}

export async function runPolicy(policy: Policy, { plan, units, signals, parameters = cityParameters }: PolicyCity): Promise<PolicyRun> {
  let mendline: MendlineService | undefined
  const run = await runCity({
    ...{ plan, units, parameters },
    async createService(ports) {
      if (policy === 'calls') return createCallService(ports)
      if (policy === 'oracle') return createOracle(ports)
      if (policy === 'alarms') {
        const service = createAlarmService(ports)
        await playSignals(ports, {
          signals,
          isAlarmsOnly: true,
          tell(event) {
            if (event.kind !== 'alarm_raised') return
            const { device, type, rule, fault, safety_class } = event.alarm
            const opens = applianceTypes.find(({ id }) => id === type)?.rules.find(({ id }) => id === rule)?.opensWorkOrder
            if (opens === true) service.alarm({ device, fault, safetyClass: safety_class })
          },
        })
        return service
      }
      let player: SignalPlayer | undefined
      const service = await createMendlineService(ports, (device) => player?.watch(device))
      mendline = service
      player = await playSignals(ports, { signals, isShuffled: policy === 'shuffled', tell: service.find })
      return {
        ...service,
        async answer(order, answer) {
          const isTaken = await service.answer(order, answer)
          // Behind the end of the faults, which is due at the same instant.
          if (answer.type === 'done') ports.clock.at(ports.clock.now(), () => player?.watch(order.device))
          return isTaken
        },
      }
    },
  })
  return { run, mendline, close: async () => mendline?.stop() }
}
