/**
 * Why a rule did or did not fire on a unit at a device time: the stored readings are folded again from the last checkpoint before that time, by
 * the same code and with the rules that held then, and the rule is asked where it stands. So nothing is written for each evaluation, and the
 * answer is as long available as the readings are. A rule for safety decides on arrival; here it is folded in device time from a day before.
 */
import { deserialize } from 'node:v8'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedStore } from '../ingest/derived-store.ts'
import { createQuality } from '../ingest/quality/quality.ts'
import { createCarryForward } from '../rules/carry-forward.ts'
import { isSafetyRule } from '../rules/compile-rules.ts'
import { createRulesEngine } from '../rules/engine.ts'
import { createRuleBook, type RuleActivation } from '../rules/rule-book.ts'
import type { Explanation } from '../rules/rule-levels.ts'

export interface WhyQuery {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly rule: string
  readonly at_ms: number
}

export interface Why extends Explanation {
  readonly rule_id: string
  readonly device: string
  readonly at_ms: number
  /** Device time of the last reading at or before `at_ms`. */
  readonly reading_at_ms: number
  readonly verdict: 'fired' | 'waits' | 'does not hold' | 'unknown'
  readonly reason: string
  /** Where the fold began, and how many readings it took. */
  readonly folded_from_ms: number
  readonly readings: number
  /** Channels that were in a bad state then, whose values ordinary rules do not believe. */
  readonly untrusted_channels: readonly string[]
}

export interface WhyParts {
  readonly types: (type: string) => ApplianceType | undefined
  readonly activations: readonly RuleActivation[]
  readonly derived: Pick<DerivedStore, 'checkpoint' | 'rows'>
  readonly history: (query: { tenant: string; device: string; type: string; from_ms: number; to_ms: number }) => AsyncIterable<Reading>
}

const DAY_MS = 86_400_000

/** Readings of one fold; a unit that reports each second has so many in two days. */
const READINGS_MAX = 200_000

/** @throws MendlineError MDL_API_NOT_FOUND when there is no reading, or the rule did not hold for the unit then */
export async function explainRule(query: WhyQuery, { types, activations, derived, history }: WhyParts): Promise<Why> {
  const { tenant, device, type, rule, at_ms } = query
  const isSafety = isForSafety(query, { types, activations })
  const filter = isSafety ? isSafetyRule : (own: Parameters<typeof isSafetyRule>[0]) => !isSafetyRule(own)
  const book = createRuleBook({ types, filter })
  book.replace(activations)
  const engine = createRulesEngine({ types, filter, book })
  const quality = createQuality({ types })
  const carry = createCarryForward({ types, filter: isSafetyRule })
  let from_ms = isSafety ? Math.max(0, at_ms - DAY_MS) : 0
  let readings = 0
  /** Gives the last reading at or before that time behind a checkpoint, undefined when there is none. */
  const foldFrom = async (found: { readonly at_ms: number; readonly state: Uint8Array } | undefined): Promise<Reading | undefined> => {
    let last: Reading | undefined
    if (found !== undefined) {
      const { fold } = deserialize(found.state) as { readonly fold: { readonly quality: unknown; readonly rules: unknown } }
      quality.loadDevice(tenant, device, fold.quality)
      engine.loadDevice(tenant, device, fold.rules)
      from_ms = found.at_ms
    }
    for await (const stored of history({ tenant, device, type, from_ms, to_ms: at_ms })) {
      if (++readings > READINGS_MAX)
        throw new MendlineError('MDL_API_TOO_LARGE', `more than ${READINGS_MAX} readings lie between the checkpoint and that time`)
      const { trusted } = quality.observe(stored)
      last = isSafety ? carry.fill(stored) : trusted === stored.numbers ? stored : { ...stored, numbers: trusted }
      // As live: what nothing took back is complete by the clock.
      engine.completeHolds(stored.received_at_ms)
      engine.decide(isSafety ? last : stored, last.numbers)
    }
    // The clock of the platform completes holds; the time that is asked for is the unit's.
    engine.completeHolds(last === undefined ? at_ms : at_ms + last.received_at_ms - last.observed_at_ms)
    return last
  }
  const checkpointAt = (atMs: number) => derived.checkpoint({ tenant, device, type, at_ms: atMs })
  let found = isSafety ? undefined : await checkpointAt(at_ms)
  let last = await foldFrom(found)
  // The last reading before that time may lie before the checkpoint: the one before begins with a reading.
  while (last === undefined && found !== undefined) {
    found = found.at_ms > 0 ? await checkpointAt(found.at_ms - 1) : undefined
    if (found === undefined) {
      from_ms = 0
      engine.loadDevice(tenant, device, undefined)
      quality.loadDevice(tenant, device, undefined)
    }
    last = await foldFrom(found)
  }
  if (last === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'no reading of the unit is stored at or shortly before that time')
  const explanation = engine.explain(last, rule)
  if (explanation === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `rule ${rule} is none of those in force for the unit then`)
  const states = await derived.rows({ tenant, device, kind: 'channel_state', from_ms: at_ms, to_ms: at_ms + 1, limit: 100 })
  return {
    ...{ rule_id: rule, device, at_ms, reading_at_ms: last.observed_at_ms, ...verdictOf(explanation, last.observed_at_ms), ...explanation },
    ...{ folded_from_ms: from_ms, readings, untrusted_channels: states.map(({ key }) => key) },
  }
}

/** Whether the rule was one for safety then: the version of the tenant in force, else the catalogue's. */
function isForSafety({ tenant, type, rule, at_ms }: WhyQuery, { types, activations }: Pick<WhyParts, 'types' | 'activations'>): boolean {
  const plain = types(type)?.rules.find((own) => own.id === rule)
  const own = activations.filter((activation) => activation.tenant === tenant && activation.rule_id === rule && activation.from_ms <= at_ms)
  const live = own.toSorted((a, b) => a.from_ms - b.from_ms).at(-1)?.live ?? plain
  return live !== undefined && isSafetyRule(live)
}

function verdictOf(of: Explanation, atMs: number): Pick<Why, 'verdict' | 'reason'> {
  const { raised_at_ms, began_at_ms, known_at_ms, hold_ms, conditions } = of
  const failing = conditions.filter(({ holds }) => holds === false).map(({ condition, value }) => `${condition} (it is ${value})`)
  if (raised_at_ms !== null) return { verdict: 'fired', reason: `the alarm stands since ${new Date(raised_at_ms).toISOString()}` }
  if (began_at_ms !== null) {
    const heldS = Math.round((atMs - began_at_ms) / 1_000)
    return { verdict: 'waits', reason: `the condition holds for ${heldS} s of the ${Math.round(hold_ms / 1_000)} s that it must` }
  }
  if (failing.length > 0) return { verdict: 'does not hold', reason: `not met: ${failing.join('; ')}` }
  if (known_at_ms === null) return { verdict: 'unknown', reason: 'no reading carried the channels that the rule needs' }
  return { verdict: 'unknown', reason: `the last reading lacks a channel; the rule was last known at ${new Date(known_at_ms).toISOString()}` }
}
