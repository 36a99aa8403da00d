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

/** What each action of a safe state is called by whoever reads of it. */
const ACTION_NAMES: Readonly<Record<string, SafeState['text']>> = {
  close_gas_valve: { en: 'close the gas valve', 'zh-CN': '关闭燃气阀' },
  close_inlet_valve: { en: 'close the inlet valve', 'zh-CN': '关闭进水阀' },
  close_water_valve: { en: 'close the water valve', 'zh-CN': '关闭水阀' },
  cut_power_relay: { en: 'open the power relay', 'zh-CN': '断开电源继电器' },
  keep_door_locked: { en: 'keep the door locked', 'zh-CN': '保持门锁闭' },
  no_ignition: { en: 'ignite nothing', 'zh-CN': '禁止点火' },
  run_drain_pump: { en: 'run the drain pump', 'zh-CN': '运行排水泵' },
  run_exhaust_fan: { en: 'run the exhaust fan', 'zh-CN': '运行排烟风机' },
  run_fan: { en: 'run the fan', 'zh-CN': '运行风机' },
  stop: { en: 'stop', 'zh-CN': '停机' },
  stop_compressor: { en: 'stop the compressor', 'zh-CN': '停止压缩机' },
  stop_cooling: { en: 'stop cooling', 'zh-CN': '停止制冷' },
  stop_defrost_heater: { en: 'stop the defrost heater', 'zh-CN': '停止化霜加热' },
  stop_fans: { en: 'stop the fans', 'zh-CN': '停止风机' },
  stop_heater: { en: 'stop the heater', 'zh-CN': '停止加热' },
  stop_motor: { en: 'stop the motor', 'zh-CN': '停止电机' },
}

/** Name of an action in both languages; undefined for one that only a type of a tenant's own has. */
export const actionName = (action: string): SafeState['text'] | undefined => ACTION_NAMES[action]

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
