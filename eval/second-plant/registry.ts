/** The second plants by type id. Only eval imports them, and nothing is tuned on them: `frozen.json` holds them still. */
import type { PlantModel } from '#catalogue/plant.ts'
import { airConditioner } from './air-conditioner.ts'

export const secondPlantModels: ReadonlyMap<string, PlantModel> = new Map([['air_conditioner', airConditioner]])
