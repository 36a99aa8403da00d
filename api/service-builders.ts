/** What the hubs do for people and systems, from memory, for tests of the API. */
import { memoryCare } from './care-builders.ts'
import { memoryExperience } from './experience-builders.ts'
import { memoryHelp } from './help-builders.ts'
import { memoryIntake } from './intake-builders.ts'
import { memoryLineage } from './lineage-builders.ts'
import { memoryOrderChain } from './order-builders.ts'
import type { ApiPorts } from './ports.ts'
import { memoryRemote } from './remote-builders.ts'

export const memoryService = (
  note: (port: string, argument: unknown) => void,
): Pick<ApiPorts, 'orderChain' | 'experience' | 'intake' | 'remote' | 'help' | 'care' | 'lineage'> => ({
  orderChain: memoryOrderChain(note),
  experience: memoryExperience(note),
  intake: memoryIntake(note),
  remote: memoryRemote(note),
  help: memoryHelp(note),
  care: memoryCare(note),
  lineage: memoryLineage(note),
})
