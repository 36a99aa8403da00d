/**
 * Rules of electrical overheating (XX-01, life) on the channels of one type. Each needs a second witness: heat at a terminal without
 * current is a sensor's fault. Both act on one reading without a hold, since a terminal that burns does not wait for a second one.
 */
import type { Rule, Text } from '../appliance-type.ts'

export interface ElectricalOverheatingChannels {
  /** Prefix of the rules' ids, e.g. `AC`. */
  readonly prefix: string
  /** Temperature at the power terminal, in `c`. */
  readonly hot: string
  /** Air around it, in `c`. */
  readonly ambient: string
  /** Current through it, in `a`; the witness. */
  readonly current: string
  /** Current above which the terminal can heat by it, in A. */
  readonly current_MIN: number
  /** Temperature that settles when the load is constant, in `c` (the discharge pipe of a compressor). */
  readonly load: string
}

const advice: Text = {
  en: 'The appliance was switched off because its power terminal overheats. Do not switch it on again; cut its breaker if you can reach it safely.',
  'zh-CN': '电源端子过热，设备已停机。请勿再次开机；如能安全操作请断开空气开关。',
}

/** Gives the two rules: hotter than ambient + 45 K while current flows, and rising by more than 1 K/min at constant load. */
export function electricalOverheating({ prefix, hot, ambient, current, current_MIN, load }: ElectricalOverheatingChannels): readonly Rule[] {
  const shared = { version: 1, safetyClass: 'E0', fault: 'XX-01', advice, clearHoldMs: 10 * 60_000, opensWorkOrder: true } as const
  const flows = { channel: current, op: '>', value: current_MIN, unit: 'a' } as const
  return [
    {
      ...shared,
      id: `${prefix}-R01`,
      title: { en: 'Power terminal more than 45 K above the air around it', 'zh-CN': '电源端子高于环境 45 K' },
      when: { all: [{ channel: hot, minus: ambient, op: '>', value: 45, unit: 'k', clearValue: 35 }, flows] },
      holdMs: 0,
      gapMs_MAX: 15 * 60_000,
      source: 'domain 6.0, XX-01 (EJ)',
    },
    {
      ...shared,
      id: `${prefix}-R02`,
      title: { en: 'Power terminal rises by more than 1 K/min at constant load', 'zh-CN': '负荷不变时端子温升超过 1 K/min' },
      when: {
        all: [
          { channel: hot, rateOverMs: 10 * 60_000, op: '>', value: 1, unit: 'k_per_min' },
          { channel: hot, minus: ambient, op: '>', value: 25, unit: 'k' },
          { channel: load, rateOverMs: 10 * 60_000, op: '<', value: 0.5, unit: 'k_per_min' },
          { channel: load, rateOverMs: 10 * 60_000, op: '>', value: -0.5, unit: 'k_per_min' },
          flows,
        ],
      },
      holdMs: 0,
      gapMs_MAX: 15 * 60_000,
      source: 'domain 6.0, XX-01 (EJ)',
    },
  ]
}
