/** The list of appliance types: adding a type is its folder and one line here. */
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { ApplianceType } from './appliance-type.ts'

export const applianceTypes: readonly ApplianceType[] = [airConditioner]
