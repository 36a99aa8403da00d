/** Mappings by tenant and `id@version`, compiled when first used. Kept on the main thread (safety) and in the pipeline's worker alike. */
import type { CompiledMapping, MappingOf } from '../forms/form-items.ts'
import { compileMapping } from './compile-mapping.ts'
import { readMappingText } from './mapping-document.ts'

/** One version of a mapping: a text that never changes. */
export interface MappingVersion {
  readonly tenant: string
  /** `id@version`, as records name it. */
  readonly reference: string
  /** The YAML as it was registered. */
  readonly text: string
}

export interface MappingBook {
  add(version: MappingVersion): void
  readonly mappingOf: MappingOf
  all(): readonly MappingVersion[]
}

export function createMappingBook(versions: readonly MappingVersion[] = []): MappingBook {
  const known = new Map<string, { readonly version: MappingVersion; compiled: CompiledMapping | undefined }>()
  const add = (version: MappingVersion): void => void known.set(`${version.tenant}/${version.reference}`, { version, compiled: undefined })
  for (const version of versions) add(version)
  return {
    add,
    mappingOf(tenant, reference) {
      const entry = known.get(`${tenant}/${reference}`)
      if (entry === undefined) return undefined
      entry.compiled ??= compileMapping(readMappingText(entry.version.text, reference, { isKept: true }))
      return entry.compiled
    },
    all: () => [...known.values()].map(({ version }) => version),
  }
}
