/** The sections of `npm run eval`, in the order of the page. */
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { washingMachine } from '#catalogue/washing-machine/washing-machine.ts'
import { cohortSection } from '../cohorts/section.ts'
import { confusersSection } from '../diagnosis/confusers-section.ts'
import { inferenceSection } from '../diagnosis/inference-section.ts'
import { replaySection } from '../diagnosis/replay-section.ts'
import { diagnosisSection } from '../diagnosis/section.ts'
import { sensorFaultsSection } from '../diagnosis/sensor-faults-section.ts'
import { remainingLifeSection } from '../remaining-life/section.ts'
import { realSections } from './real-sections.ts'
import type { EvalSection } from './table.ts'

const types = [airConditioner, fridge, washingMachine, gasWaterHeater]

export const sections: readonly EvalSection[] = [
  ...types.map(diagnosisSection),
  ...types.map(confusersSection),
  sensorFaultsSection(types),
  replaySection,
  inferenceSection,
  cohortSection,
  remainingLifeSection,
  ...realSections,
]
