/** What an appliance does to be safe, as data of its type: the actions of the safe-state command by danger, and the one for what nobody described. */
import type { Hazard } from './hazards.ts'

/** The actions of one or more dangers to life or property. */
export interface SafeState {
  /** Fault codes, or ids of rules that name no fault. */
  readonly of: readonly string[]
  /** What they endanger the home by; null = nobody described it, and each fault or rule stands for itself. */
  readonly hazard: Hazard | null
  /** snake_case, in the order in which they are to be done; a device does those that it knows, and any device knows how to stop. */
  readonly actions: readonly string[]
  /** What it means for the household. */
  readonly text: { readonly en: string; readonly 'zh-CN': string }
}

/** Safe state of a danger that the type says nothing of. */
const STOP: SafeState = { of: [], hazard: null, actions: ['stop'], text: { en: 'The appliance is stopped', 'zh-CN': '设备停机' } }

/** The safe state for a fault, or for the rule where it names none. */
export const safeStateFor = (
  type: { readonly safeStates?: readonly SafeState[] } | undefined,
  { fault, rule }: { readonly fault: string | null; readonly rule: string },
): SafeState => type?.safeStates?.find(({ of }) => of.includes(rule) || (fault !== null && of.includes(fault))) ?? STOP

/** The safe state for a hazard that no fault of the type names; undefined where a command from afar makes nothing safer (switching in gas). */
export const safeStateForHazard = (type: { readonly safeStates?: readonly SafeState[] } | undefined, hazard: Hazard): SafeState | undefined =>
  type?.safeStates?.find((state) => state.hazard === hazard) ?? (hazard === 'gas' || hazard === 'carbon_monoxide' ? undefined : STOP)
