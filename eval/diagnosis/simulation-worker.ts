/** Simulates the fleet of one job and gives its units; the thread ends with it. */
import { parentPort, workerData } from 'node:worker_threads'
import { applianceTypes } from '#catalogue/registry.ts'
import { SECOND_CITIES } from '../second-plant/evaluation.ts'
import { secondPlantModels } from '../second-plant/registry.ts'
import { simulateUnits } from './dataset.ts'
import type { SimulationJob } from './simulation.ts'

const { type: id, plan, plants } = workerData as SimulationJob
const type = applianceTypes.find((one) => one.id === id)
if (type === undefined) throw new Error(`there is no type ${id}`)
parentPort?.postMessage(simulateUnits(type, plan, plants === 'second' ? { plants: secondPlantModels, cities: SECOND_CITIES } : {}))
