/** How deep a value from outside may be nested. Deeper than any document of ours; what walks JSON by recursion ends far behind it. */
export const JSON_DEPTH_MAX = 64

/** Whether arrays and objects are nested deeper than `depth`; walks without recursion, so that no value can overflow the stack. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  let level = [value].filter(isNested)
  for (let at = 1; level.length > 0; at++) {
    if (at > depth) return true
    level = level.flatMap((entry) => Object.values(entry).filter(isNested))
  }
  return false
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null
