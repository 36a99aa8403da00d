/** What an appliance does to be safe, as data of its type: the actions of the safe-state command by danger, and the one for what nobody described. */

/** The actions of one or more dangers to life or property. */
export interface SafeState {
  /** Fault codes, or ids of rules that name no fault. */
  readonly of: readonly string[]
  /** snake_case, in the order in which they are to be done; a device does those that it knows, and any device knows how to stop. */
  readonly actions: readonly string[]
  /** What it means for the household. */
  readonly text: { readonly en: string; readonly 'zh-CN': string }
}

/** Safe state of a danger that the type says nothing of. */
const STOP: SafeState = { of: [], actions: ['stop'], text: { en: 'The appliance is stopped', 'zh-CN': '设备停机' } }

/** The safe state for a fault, or for the rule where it names none. */
export const safeStateFor = (
  type: { readonly safeStates?: readonly SafeState[] } | undefined,
  { fault, rule }: { readonly fault: string | null; readonly rule: string },
): SafeState => type?.safeStates?.find(({ of }) => of.includes(rule) || (fault !== null && of.includes(fault))) ?? STOP
