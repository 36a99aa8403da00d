/** The ports of types and mappings as the API's tests use them. */
import { NOW_MS } from './memory-truth.ts'
import type { ApiPorts, NewType } from './ports.ts'

export function memoryTypes(note: (port: string, argument: unknown) => void): ApiPorts['types'] {
  const text = (en: string) => ({ en, 'zh-CN': en })
  const own = (tenant: string, type: NewType) => ({
    id: `${tenant}.${type.type}`,
    version: '1',
    name: text(type.type),
    channels: [
      {
        name: 'power_w',
        kind: 'number' as const,
        unit: 'w' as const,
        min: 0,
        max: 1,
        step: 0,
        isAggregated: false,
        isSafety: false,
        description: text('Power'),
      },
    ],
    faults: [],
    parts: [],
    steps: [],
    rules: [],
    recipe: undefined,
  })
  return {
    list: (tenant) => [own(tenant, { type: 'plug', channels: [] })],
    find: (tenant, name) => (name === 'plug' ? own(tenant, { type: name, channels: [] }) : undefined),
    async register(tenant, type) {
      note('register', { tenant, type })
      return own(tenant, type)
    },
  }
}

export function memoryMappings(note: (port: string, argument: unknown) => void): ApiPorts['mappings'] {
  const record = { mapping: 'plug', version: 2, match: { type: 'plug' }, definition: 'mapping: plug', created_at_ms: NOW_MS }
  return {
    list: () => [record],
    get: (_tenant, mapping) => (mapping === 'plug' ? record : undefined),
    async register(tenant, definition) {
      note('mapping', { tenant, definition })
      return { ...record, definition }
    },
  }
}
