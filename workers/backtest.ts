/**
 * Folds the stored readings of one unit as the pipeline folds them, with the rules that are to be tried, and gives the alarms that are raised in
 * the span. It begins at the checkpoint of the pipeline before the span, far enough before it that a rule that is new there knows
 * what it must have seen. The same readings and rules give the same alarms as the pipeline gave, late readings included.
 */
import { deserialize } from 'node:v8'
import type { ApplianceType, Condition, Rule } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import { LEARNED_NORMAL_RULE } from '#kernel/anomaly.ts'
import { contentId } from '#kernel/ids.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedRow } from '../ingest/derived-store.ts'
import { createQuality } from '../ingest/quality/quality.ts'
import { createCarryForward } from '../rules/carry-forward.ts'
import { isSafetyRule } from '../rules/compile-rules.ts'
import { createRulesEngine } from '../rules/engine.ts'
import { createRuleBook, type RuleActivation } from '../rules/rule-book.ts'
import { sensorAlarms } from '../rules/sensor-alarms.ts'

export interface BacktestUnit {
  readonly tenant: string
  readonly device: string
  readonly type: string
}

export interface BacktestSpan {
  readonly from_ms: number
  readonly to_ms: number
}

/** One alarm that would have been raised. */
export interface Fire {
  readonly device: string
  readonly rule: string
  readonly rule_version: number
  /** The gravest that the alarm took on. */
  readonly safety_class: string
  readonly fault: string | null
  readonly began_at_ms: number
  readonly raised_at_ms: number
  readonly cleared_at_ms: number | null
}

export interface BacktestFold {
  /** Begins a unit, from the state of a checkpoint where there is one. */
  begin(unit: BacktestUnit, checkpoint: Uint8Array | undefined): void
  take(reading: Reading): void
  /** Alarms of the unit that were raised in the span. */
  end(): readonly Fire[]
}

/** Longest that a rule must have looked back to know what it knows, beyond its own times (chosen: rates, clear holds of an hour). */
const MARGIN_MS = 3_600_000

/** How far before the span a rule that was not there must begin. */
export const lookBackMs = (rule: Rule): number => rule.holdMs + rule.clearHoldMs + rule.gapMs_MAX + spanOf(rule.when) + MARGIN_MS

function spanOf(condition: Condition): number {
  if ('all' in condition || 'any' in condition) return Math.max(0, ...('all' in condition ? condition.all : condition.any).map(spanOf))
  if ('not' in condition) return spanOf(condition.not)
  if ('held' in condition) return condition.forMs + spanOf(condition.held)
  return Math.max(condition.rateOverMs ?? 0, condition.meanOverMs ?? 0, condition.exposureOverMs ?? 0)
}

/** Creates the fold of ordinary rules, or of one rule for safety; `rule` keeps only its alarms. */
export function createBacktestFold(options: {
  readonly types: (type: string) => ApplianceType | undefined
  readonly activations: readonly RuleActivation[]
  readonly span: BacktestSpan
  /** Only this one; absent: all ordinary rules and the states of channels. */
  readonly rule: Rule | undefined
}): BacktestFold {
  const { types, activations, span, rule } = options
  const isSafety = rule !== undefined && isSafetyRule(rule)
  const filter = (own: Rule): boolean => (rule === undefined ? !isSafetyRule(own) : own.id === rule.id)
  const book = createRuleBook({ types, filter })
  book.replace(activations)
  const engine = createRulesEngine({ types, filter, book })
  const quality = createQuality({ types })
  const carry = createCarryForward({ types, filter })
  let fires = new Map<string, Fire>()
  let at: BacktestUnit | undefined
  /** How far the time of the platform was ahead of the unit's at its last reading. */
  let aheadMs = 0

  const keep = (alarm: Alarm): void => {
    const { device, safety_class, fault, began_at_ms, raised_at_ms, cleared_at_ms, rule_version } = alarm
    if (raised_at_ms < span.from_ms || raised_at_ms >= span.to_ms) return
    const key = `${alarm.rule}/${began_at_ms}`
    const before = fires.get(key)?.safety_class ?? safety_class
    const [gravest = safety_class] = [before, safety_class].sort()
    fires.set(key, { device, rule: alarm.rule, rule_version, safety_class: gravest, fault, began_at_ms, raised_at_ms, cleared_at_ms })
  }

  return {
    begin(unit, checkpoint) {
      at = unit
      aheadMs = 0
      fires = new Map()
      const saved =
        checkpoint === undefined ? undefined : (deserialize(checkpoint) as { readonly fold: { readonly quality: unknown; readonly rules: unknown } })
      quality.loadDevice(unit.tenant, unit.device, saved?.fold.quality)
      engine.loadDevice(unit.tenant, unit.device, rule === undefined ? saved?.fold.rules : undefined)
    },
    take(reading) {
      const { changes, trusted } = quality.observe(reading)
      const type = types(reading.type)
      aheadMs = reading.received_at_ms - reading.observed_at_ms
      // As live: what nothing took back is complete by the clock.
      for (const event of engine.completeHolds(reading.received_at_ms)) if (event.kind === 'alarm_raised') keep(event.alarm)
      const events = isSafety ? engine.decide(carry.fill(reading)) : engine.decide(reading, trusted)
      for (const event of events)
        if (event.kind === 'alarm_raised' || event.kind === 'alarm_cleared' || event.kind === 'alarm_changed') keep(event.alarm)
      if (changes.length === 0 || rule !== undefined || type === undefined) return
      for (const event of sensorAlarms(type, changes, reading.received_at_ms)) if ('alarm' in event) keep(event.alarm)
    },
    end() {
      for (const event of engine.completeHolds(span.to_ms + aheadMs)) if (event.kind === 'alarm_raised') keep(event.alarm)
      if (at !== undefined) {
        engine.loadDevice(at.tenant, at.device, undefined)
        quality.loadDevice(at.tenant, at.device, undefined)
      }
      return [...fires.values()]
    },
  }
}

/** An alarm of the derived store, when it was raised in the span by a rule or the state of a channel; undefined otherwise. A learned normal is no rule. */
export function liveFire({ device, key, from_ms, to_ms, data }: DerivedRow, span: BacktestSpan): Fire | undefined {
  const { rule_version, safety_class, fault, raised_at_ms } = data as Pick<Fire, 'rule_version' | 'safety_class' | 'fault' | 'raised_at_ms'>
  if (key === LEARNED_NORMAL_RULE || raised_at_ms < span.from_ms || raised_at_ms >= span.to_ms) return undefined
  return { device, rule: key, rule_version, safety_class, fault, began_at_ms: from_ms, raised_at_ms, cleared_at_ms: to_ms }
}

/** Hash of a set of alarms: who, which rule and version, when it began and was raised. When it ends may be known behind the span only. */
export function hashFires(fires: readonly Fire[]): string {
  const lines = fires.map(
    ({ device, rule, rule_version, began_at_ms, raised_at_ms }) => `${device} ${rule}@${rule_version} ${began_at_ms} ${raised_at_ms}`,
  )
  return contentId('fires', lines.sort().join('\n'))
}
