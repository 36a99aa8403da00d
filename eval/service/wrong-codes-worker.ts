/** A thread that runs one seed of the section on wrong codes and gives its result, or the sentence that says what is missing. */
import { parentPort, workerData } from 'node:worker_threads'
import { applianceTypes } from '#catalogue/registry.ts'
import { withModel } from '../diagnosis/section.ts'
import { runSeed, type SeedPlan } from './wrong-codes-run.ts'

const { type: id, plan } = workerData as { readonly type: string; readonly plan: SeedPlan }
const type = applianceTypes.find((one) => one.id === id)
if (type === undefined) throw new Error(`the catalogue has no ${id}`)
parentPort?.postMessage(await withModel(type, (model) => runSeed(model, plan)))
