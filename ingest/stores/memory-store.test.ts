import { describeReadingStore } from '../reading-store.contract.ts'
import { createMemoryStore } from './memory-store.ts'

describeReadingStore('memory store', createMemoryStore)
