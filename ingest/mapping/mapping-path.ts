/** Paths into a parsed payload, as a mapping writes them: `ENERGY.Power`, `emeters[0].power`, `["switch:0"].apower`. Keys come first-hand, never from a prototype. */
import { isRecord, ownField } from '../decode-json.ts'

export type PathStep = string | number

const STEP = /\[(\d{1,4})\]|\["([^"\\]{0,128})"\]|(?:^|\.)([^.[\]"]{1,128})/y

/** Steps of a path; undefined when it is none. */
export function parsePath(path: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path)
    if (match === null) return undefined
    steps.push(match[1] === undefined ? (match[2] ?? match[3] ?? '') : Number(match[1]))
  }
  return steps.length === 0 ? undefined : steps
}

/** What stands at the path, undefined when nothing does. */
export function follow(value: unknown, steps: readonly PathStep[]): unknown {
  let here = value
  for (const step of steps) {
    if (typeof step === 'number') here = Array.isArray(here) ? here[step] : undefined
    else here = isRecord(here) ? ownField(here, step) : undefined
  }
  return here
}

/** Writes steps as a path. */
export const showPath = (steps: readonly PathStep[]): string =>
  steps.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (!/^[^.[\]"]+$/.test(step)) return `${text}["${step}"]`
    return text === '' ? step : `${text}.${step}`
  }, '')

/** Paths of all leaves of a value (texts, numbers, claims, null, empty lists), at most `count_MAX`. */
export function leavesOf(value: unknown, count_MAX: number): ReadonlyArray<readonly PathStep[]> {
  const leaves: Array<readonly PathStep[]> = []
  const walk = (here: unknown, steps: readonly PathStep[]): void => {
    if (leaves.length >= count_MAX) return
    if (Array.isArray(here) && here.length > 0) for (const [index, entry] of here.entries()) walk(entry, [...steps, index])
    else if (isRecord(here) && Object.keys(here).length > 0) for (const key of Object.keys(here)) walk(here[key], [...steps, key])
    else leaves.push(steps)
  }
  walk(value, [])
  return leaves
}
