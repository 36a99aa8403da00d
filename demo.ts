/**
 * `npm start`: the platform in development mode with a living street beside it, and a calm summary on the terminal. The street begins anew at each
 * start, so the folder's readings and orders of the last one are deleted (and only a folder that a demo made is touched).
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { washingMachine } from '#catalogue/washing-machine/washing-machine.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import type { Log } from '#kernel/log.ts'
import type { Config } from './config.ts'
import { createDemoView, type DemoView } from './demo-view.ts'
import { type Platform, startPlatform } from './main.ts'
import { takeProcessLock } from './operations/process-lock.ts'
import type { FleetShare } from './simulators/mixed-fleet.ts'
import { createStreet, type Street } from './simulators/street.ts'

const MIN_MS = 60_000
/** 200 units. The last shares are there so that each start surely shows a danger to life and one to property. */
const SHARES: readonly FleetShare[] = [
  { type: airConditioner, units: 64, samplePeriodMs: 10 * MIN_MS },
  { type: fridge, units: 50, samplePeriodMs: 5 * MIN_MS },
  { type: washingMachine, units: 44, samplePeriodMs: 10 * MIN_MS },
  { type: gasWaterHeater, units: 38, samplePeriodMs: 10 * MIN_MS },
  { type: gasWaterHeater, units: 1, samplePeriodMs: 10 * MIN_MS, faultShare: 1, faults: ['GW-03'] },
  { type: gasWaterHeater, units: 1, samplePeriodMs: 10 * MIN_MS, faultShare: 1, faults: ['GW-08'] },
  { type: washingMachine, units: 2, samplePeriodMs: 10 * MIN_MS, faultShare: 1, faults: ['WM-08'] },
]
const WEEKS_BACK = 3
const FAULT_SHARE = 0.15
const API_KEY = 'dev'

/** What a data folder of a demo holds; all of it is made again. */
const DEMO_MARKER = 'demo-street.json'
const DEMO_FILES = ['journal', 'readings', 'state', 'operations.sqlite', 'operations.sqlite-wal', 'operations.sqlite-shm']

export interface RunningDemo {
  stop(): Promise<void>
}

/** Starts platform, street and view. @throws MendlineError MDL_CONFIG_INVALID when the folder holds data that no demo made */
export async function runDemo(config: Config, { log, clock }: { readonly log: Log; readonly clock: Clock }): Promise<RunningDemo> {
  const lock = takeProcessLock(join(config.dataDir, 'lock.sqlite'))
  try {
    beginAnew(config.dataDir)
  } finally {
    lock.release()
  }
  const platform = await startPlatform(config, { log, clock })
  try {
    const { street, view } = await openStreet(platform, { log, clock })
    return {
      async stop() {
        view.stop()
        await street.stop()
        await platform.stop()
      },
    }
  } catch (error) {
    await platform.stop()
    throw error
  }
}

async function openStreet(
  { mqttUrl, httpUrl }: Platform,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): Promise<{ street: Street; view: DemoView }> {
  const street = createStreet({
    shares: SHARES,
    seed: 'street',
    weeksBack: WEEKS_BACK,
    faultShare: FAULT_SHARE,
    mqttUrl,
    httpUrl,
    apiKey: API_KEY,
    tenant: DEFAULT_TENANT,
    clock,
    log,
  })
  const view = createDemoView({ street, mqttUrl, httpUrl, apiKey: API_KEY, clock, output: process.stdout })
  await street.start()
  view.start()
  return { street, view }
}

function beginAnew(dataDir: string): void {
  const marker = join(dataDir, DEMO_MARKER)
  const present = DEMO_FILES.filter((name) => existsSync(join(dataDir, name)))
  if (present.length > 0 && !existsSync(marker)) {
    throw new MendlineError('MDL_CONFIG_INVALID', `data: ${dataDir} holds data that no demo made; name another folder with --data`)
  }
  for (const name of present) rmSync(join(dataDir, name), { recursive: true, force: true })
  writeFileSync(marker, '{}\n')
}
