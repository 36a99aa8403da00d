/** The port of models as the API's tests use it: each call is noted and answered with little. */
import { MendlineError } from '#kernel/errors.ts'
import type { ModelPort } from './model-ports.ts'

export function memoryModels(note: (port: string, argument: unknown) => void): ModelPort {
  const answer = async (port: string, version: string, argument: object): Promise<object> => {
    if (version !== 'm-1') throw new MendlineError('MDL_API_NOT_FOUND', `there is no model ${version}`)
    note(port, { version, ...argument })
    return { version }
  }
  return {
    list: () => [{ version: 'm-1' }],
    get: (tenant, version) => answer('model', version, { tenant }),
    features: () => ({ features: ['lift_k'], classes: ['no_fault'] }),
    async add(tenant, { manifest, model }, actor) {
      note('addModel', { tenant, manifest, bytes: model.length, actor })
      return { version: 'm-1' }
    },
    shadow: (tenant, version, change) => answer('shadow', version, { tenant, ...change }),
    report: (tenant, version, costs) => answer('report', version, { tenant, costs }),
    async promote(tenant, version, { isForced, costs }) {
      if (!isForced)
        throw new MendlineError('MDL_MODEL_WORSE', 'it costs more', { details: { errors: [{ field: 'model', reason: 'it costs more' }] } })
      return answer('promote', version, { tenant, isForced, costs })
    },
    async rollBack(tenant, type) {
      note('rollBack', { tenant, type })
      return { version: 'm-0' }
    },
    moves: async () => [],
    drift: async () => [],
    async train(tenant, wanted, actor) {
      note('train', { tenant, ...wanted, actor })
      return { job_id: 'job_1' }
    },
    training: async (_tenant, job_id) => ({ job_id }),
  }
}
