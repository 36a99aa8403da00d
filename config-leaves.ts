/** The settings as a flat list of paths, for variables of the environment and for the table in docs/configuration.md. */
import type { TSchema } from 'typebox'

export interface SettingLeaf {
  readonly path: string
  readonly variable: string
  readonly type: string
  readonly fallback: string
  readonly description: string
}

/** Every setting with its variable, type, default and meaning, in the order of the schema. */
export function settingLeaves(schema: TSchema, prefix: string): readonly SettingLeaf[] {
  const properties = (schema as { properties?: Record<string, TSchema> }).properties ?? {}
  return Object.entries(properties).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    if ('properties' in child) return settingLeaves(child, path)
    const { type, enum: members, default: fallback, description } = child as Record<string, unknown>
    return {
      path,
      variable: `MENDLINE_${path.replaceAll('.', '_').toUpperCase()}`,
      type: Array.isArray(members) ? members.join(', ') : type === 'object' ? 'map of numbers' : type === 'array' ? 'list' : String(type),
      fallback: fallback === undefined ? '' : JSON.stringify(fallback),
      description: String(description ?? ''),
    }
  })
}
