import { contractLimits, describeJournal } from '../journal.contract.ts'
import { createMemoryJournal } from './memory-journal.ts'

describeJournal('memory journal', async () => createMemoryJournal(contractLimits))
