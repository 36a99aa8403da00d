/** The second plants by type id. Only eval imports them, and nothing is tuned on them: `frozen.json` holds them still. */
import type { PlantModel } from '#catalogue/plant.ts'
import { airConditioner } from './air-conditioner.ts'
import { fridge } from './fridge.ts'
import { gasWaterHeater } from './gas-water-heater.ts'
import { washingMachine } from './washing-machine.ts'

export const secondPlantModels: ReadonlyMap<string, PlantModel> = new Map([
  ['air_conditioner', airConditioner],
  ['fridge', fridge],
  ['washing_machine', washingMachine],
  ['gas_water_heater', gasWaterHeater],
])
