/** The list of appliance types: adding a type is its folder and one line here. */
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { ApplianceType } from './appliance-type.ts'
import { fridge } from './fridge/fridge.ts'
import { gasWaterHeater } from './gas-water-heater/gas-water-heater.ts'
import { heatPumpDryer } from './heat-pump-dryer/heat-pump-dryer.ts'
import { washingMachine } from './washing-machine/washing-machine.ts'

export const applianceTypes: readonly ApplianceType[] = [airConditioner, fridge, washingMachine, gasWaterHeater, heatPumpDryer]
