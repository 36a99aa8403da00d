/**
 * The hub event: everything the hubs react to, from the pipeline and from outside. Hubs are pure functions of (state, event);
 * each event has a key, and one that was applied before changes nothing.
 */
import type { Alarm, SafetyClass } from './alarm.ts'
import type { EpochMs } from './clock.ts'
import type { CommandNote } from './command.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { MeasuredWindow } from './measured-residuals.ts'

export type HubEvent =
  | { readonly kind: 'alarm_raised'; readonly key: string; readonly alarm: Alarm }
  | { readonly kind: 'alarm_cleared'; readonly key: string; readonly alarm: Alarm }
  /** The class of an alarm that stands rose or stepped down; `alarm` has the new one. */
  | { readonly kind: 'alarm_changed'; readonly key: string; readonly alarm: Alarm; readonly from: SafetyClass; readonly at_ms: number }
  | { readonly kind: 'diagnosis_made'; readonly key: string; readonly diagnosis: Diagnosis }
  /** Residuals of a window of a unit whose repair is being verified. */
  | { readonly kind: 'residuals_measured'; readonly key: string; readonly window: MeasuredWindow }
  /** Something is wrong with the platform itself. */
  | {
      readonly kind: 'system_alarm'
      readonly key: string
      readonly tenant: string
      readonly at_ms: EpochMs
      /** Part that it is about. */
      readonly subject: string
      readonly detail: Readonly<Record<string, number | string>>
    }
  | {
      readonly kind: 'device_silent' | 'device_returned'
      readonly key: string
      readonly tenant: string
      readonly device: string
      readonly at_ms: EpochMs
    }
  /** What became of the safe-state command of an emergency, or that nobody acknowledged it in time. */
  | { readonly kind: 'command_moved'; readonly key: string; readonly note: CommandNote }
