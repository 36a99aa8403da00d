/** The plants by type id. Adding a type is its folder, one line in `registry.ts` and one here. Only simulators and eval import this. */
import { airConditionerPlant } from './air-conditioner/physics.ts'
import { fridgePlant } from './fridge/physics.ts'
import { gasWaterHeaterPlant } from './gas-water-heater/physics.ts'
import { heatPumpDryerPlant } from './heat-pump-dryer/physics.ts'
import type { PlantModel } from './plant.ts'
import { washingMachinePlant } from './washing-machine/physics.ts'

export const plantModels: ReadonlyMap<string, PlantModel> = new Map([
  ['air_conditioner', airConditionerPlant],
  ['fridge', fridgePlant],
  ['washing_machine', washingMachinePlant],
  ['heat_pump_dryer', heatPumpDryerPlant],
  ['gas_water_heater', gasWaterHeaterPlant],
])
