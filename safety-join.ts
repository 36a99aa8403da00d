/**
 * Joins the safety path: the E0 and E1 rules over readings that are completed with what the device said a moment before, and silence as a
 * signal, in the consumer that reads straight behind the journal's commit. It shares no queue and no worker with store, rules and models.
 */
import { join } from 'node:path'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { readAck } from '#kernel/twin-message.ts'
import { parsePayload } from './ingest/decode-json.ts'
import { scanForSafety } from './ingest/decode-safety.ts'
import type { MappingBook } from './ingest/mapping/mapping-book.ts'
import { decodeRecord } from './ingest/record.ts'
import { createCarryForward } from './rules/carry-forward.ts'
import { isSafetyRule } from './rules/compile-rules.ts'
import { createRulesEngine } from './rules/engine.ts'
import type { RuleActivation } from './rules/rule-book.ts'
import { channelsAskedFor } from './rules/safety-channels.ts'
import { createSilence } from './rules/silence.ts'
import type { Rules } from './rules-join.ts'
import { createSafety, type Safety, type SafetyParts } from './safety.ts'
import { createSnapshotFile } from './workers/snapshot-file.ts'

interface SafetyBooks {
  readonly journal: SafetyParts['journal']
  readonly types: {
    readonly byId: (type: string) => ApplianceType | undefined
    readonly find: (tenant: string, name: string) => ApplianceType | undefined
  }
  readonly mappings: { readonly book: Pick<MappingBook, 'mappingOf'> }
  readonly identity: {
    readonly devices: {
      get(
        tenant: string,
        device: string,
      ): { readonly outage_area: string | null; readonly building: string | null; readonly revoked_at_ms: number | null } | undefined
    }
  }
  readonly rules: Pick<Rules, 'registry' | 'safetyBook' | 'onChange'>
  readonly hubs: { apply(events: readonly HubEvent[]): Promise<void> }
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
}

/** The safety consumer of a data folder; the caller starts and stops it. */
export function joinSafety({ dataDir, limits }: { readonly dataDir: string; readonly limits: Limits }, books: SafetyBooks): Safety {
  const { journal, types, mappings, identity, rules, hubs, onReleasable, clock, log } = books
  // A reading is needed until the rules have decided, who ask for no key that is made of content.
  const options = { ...limits, mappingOf: mappings.book.mappingOf, areReadingsReused: true, keyless: 'unneeded' as const }
  let byTenant = activationsByTenant(rules.registry.activations())
  const silence = createSilence({
    types: types.byId,
    limits,
    askedFor: (tenant, type) => channelsAskedFor(type, byTenant.get(tenant) ?? []),
    isExpected: (tenant, device) => identity.devices.get(tenant, device)?.revoked_at_ms === null,
    areaOf(tenant, device) {
      const found = identity.devices.get(tenant, device)
      return found?.outage_area ?? found?.building ?? undefined
    },
  })
  rules.onChange((activations) => {
    byTenant = activationsByTenant(activations)
    silence.forget()
  })
  return createSafety({
    journal,
    decodeRecord,
    decodeForSafety: (message) => {
      const type = types.find(message.tenant, message.type)
      return type !== undefined && rules.safetyBook.hasRules(message.tenant, type.id) ? scanForSafety(message, type, options) : []
    },
    answerOf: (message) => answerOf(message, limits),
    rules: safetyRules(types.byId, rules),
    silence,
    apply: hubs.apply,
    snapshots: createSnapshotFile({ directory: join(dataDir, 'state'), name: 'safety', log }),
    onReleasable,
    clock,
    log,
  })
}

const activationsByTenant = (activations: readonly RuleActivation[]) => Map.groupBy(activations, ({ tenant }) => tenant)

/** A device's answer to the command of an emergency, as the twin tells it, too: whichever is first counts. */
function answerOf({ tenant, device, commandId, payload, received_at_ms }: AcceptedMessage, limits: Limits): HubEvent | undefined {
  if (commandId?.startsWith('em_') !== true) return undefined
  const parsed = parsePayload(payload, limits.jsonDepth_MAX)
  const ack = parsed.kind === 'parsed' ? readAck(parsed.value, limits) : undefined
  if (ack?.kind !== 'ack') return undefined
  const note = { command_id: commandId, tenant, device, state: ack.state, reason: ack.reason, at_ms: received_at_ms }
  return { kind: 'command_moved', key: `command/${tenant}/${commandId}/${ack.state}`, note }
}

/** The safety rules over readings that are completed with what the device said a moment before. */
function safetyRules(types: SafetyBooks['types']['byId'], { registry, safetyBook, onChange }: SafetyBooks['rules']): SafetyParts['rules'] {
  /** The type with the rules of all tenants: the values that any of them asks for are kept. */
  let byType = Map.groupBy(registry.activations(), ({ type }) => type)
  const withAllRules = (id: string): ApplianceType | undefined => {
    const type = types(id)
    const more = (byType.get(id) ?? []).flatMap(({ live, canary }) => [live, canary?.rule])
    return type && { ...type, rules: [...type.rules, ...more.filter((rule) => rule !== null && rule !== undefined)] }
  }
  const carry = createCarryForward({ types: withAllRules, filter: isSafetyRule })
  onChange((activations) => {
    byType = Map.groupBy(activations, ({ type }) => type)
    carry.forget()
  })
  const engine = createRulesEngine({ types, filter: isSafetyRule, book: safetyBook })
  return {
    ...engine,
    decide: (reading: Reading) => engine.decide(carry.fill(reading)),
    snapshot: () => ({ carry: carry.snapshot(), engine: engine.snapshot() }),
    restore: (state: unknown) => {
      const { carry: values, engine: states } = state as { carry: unknown; engine: unknown }
      carry.restore(values)
      engine.restore(states)
    },
  }
}
