/** Operations on settings as JSON: merging a patch (RFC 7396), what differs, and telling equal values. Pure; no value is changed in place. */
import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject } from '#kernel/twin-message.ts'

/** Applies a merge patch (RFC 7396): null takes a field away, objects are merged, all else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name), value))
  }
  return Object.fromEntries(merged)
}

/** The part of `desired` that `reported` does not have, or has otherwise; lists are compared whole. */
export function deltaOf(desired: JsonObject, reported: JsonObject): JsonObject {
  const differing: Array<readonly [string, unknown]> = []
  for (const [name, wanted] of Object.entries(desired)) {
    const present = Object.hasOwn(reported, name) ? reported[name] : undefined
    if (isObject(wanted) && isObject(present)) {
      const below = deltaOf(wanted, present)
      if (Object.keys(below).length > 0) differing.push([name, below])
    } else if (!isDeepStrictEqual(wanted, present)) differing.push([name, wanted])
  }
  return Object.fromEntries(differing)
}

/** Settings of a device with the device time of each; null = taken away. */
export type TimedSettings = { readonly [name: string]: readonly [value: unknown, atMs: number] }

/**
 * Takes a report into what is known: each setting goes by its device time, so that an older report never overwrites a newer one and any
 * order of the same reports ends the same. Of two values of one instant the greater text wins.
 */
export function applyReport(
  known: TimedSettings,
  settings: JsonObject,
  atMs: number,
): { readonly settings: TimedSettings; readonly change: JsonObject } {
  const next = new Map(Object.entries(known))
  const change: Array<readonly [string, unknown]> = []
  for (const [name, value] of Object.entries(settings)) {
    const [before, beforeMs] = next.get(name) ?? [null, Number.NEGATIVE_INFINITY]
    const isNewer = atMs > beforeMs || (atMs === beforeMs && JSON.stringify(value) > JSON.stringify(before))
    if (!isNewer) continue
    if (!isDeepStrictEqual(before, value)) change.push([name, value])
    next.set(name, [value, atMs])
  }
  return { settings: Object.fromEntries(next), change: Object.fromEntries(change) }
}

/** Settings without their times and without those that were taken away. */
export const plainSettings = (timed: TimedSettings): JsonObject =>
  Object.fromEntries(Object.entries(timed).flatMap(([name, [value]]) => (value === null ? [] : [[name, value] as const])))
