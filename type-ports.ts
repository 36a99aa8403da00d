/** Types and mappings as the API takes them: what is registered is told to the pipeline's worker before the answer. */
import type { ApiPorts } from './api/ports.ts'
import type { createMappingRegistry } from './ingest/mapping/mapping-registry.ts'
import type { createTypeRegistry } from './ingest/type-registry.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

interface Registries {
  readonly types: ReturnType<typeof createTypeRegistry>
  readonly mappings: ReturnType<typeof createMappingRegistry>
  readonly pipeline: Pick<PipelineHost, 'call'>
}

export function typePorts({ types, mappings, pipeline }: Registries): Pick<ApiPorts, 'types' | 'mappings'> {
  return {
    types: {
      list: types.list,
      find: types.find,
      register: (tenant, given) =>
        types.register(tenant, given, (type) => pipeline.call(PIPELINE_CALLS.registerType, [`${tenant}/${given.type}`, type])),
    },
    mappings: {
      list: mappings.list,
      get: mappings.get,
      register: (tenant, definition) => mappings.register(tenant, definition, (version) => pipeline.call(PIPELINE_CALLS.registerMapping, version)),
    },
  }
}
