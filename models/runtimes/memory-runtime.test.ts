import { describeModelRuntime, softmaxOf } from '../model-runtime.contract.ts'
import { createMemoryRuntime } from './memory-runtime.ts'

describeModelRuntime('memory', () => createMemoryRuntime({ featureCount: 3, classCount: 3, score: softmaxOf }))
