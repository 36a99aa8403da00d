/** How far back the reading store has all of a type's readings, by the settings of retention: what is older cannot be worked out again. */
import type { DerivedStore } from '../ingest/derived-store.ts'
import { channelDays, rawDays, type StoreRetention } from '../ingest/reading-store.ts'
import type { DeviceLine } from './device-line.ts'

const DAY_MS = 86_400_000

/**
 * Begin of the UTC day from which on no value of the type was dropped at `nowMs`; a day later than the settings say, for the archive may
 * be ahead of the journal's clock.
 */
export function keptFromMs(retention: StoreRetention, type: { readonly id: string; readonly channels: readonly string[] }, nowMs: number): number {
  const raw = rawDays(retention, type.id)
  const channels = type.channels.flatMap((name) => channelDays(retention, type.id, name) ?? [])
  return (Math.floor(nowMs / DAY_MS) - Math.min(raw, ...channels) + 1) * DAY_MS
}

/**
 * The checkpoint from which a late stretch is worked out again, undefined to begin before the first reading. Rows whose readings the store
 * has dropped cannot be made again, so what begins before them begins behind them; `lost` when there is no checkpoint there.
 */
export async function beginOfAmendment(
  derived: Pick<DerivedStore, 'checkpoint' | 'checkpointBehind' | 'hasRows'>,
  { tenant, device, type, lateFromMs }: Pick<DeviceLine, 'tenant' | 'device' | 'type' | 'lateFromMs'>,
  { goalMs, keptMs }: { readonly goalMs: number; readonly keptMs: number },
): Promise<Awaited<ReturnType<DerivedStore['checkpoint']>> | 'lost'> {
  const own = { tenant, device, type }
  const found = await derived.checkpoint({ ...own, at_ms: Math.min(Math.max(lateFromMs, keptMs), goalMs) })
  if (!(await derived.hasRows({ tenant, device, from_ms: found?.at_ms ?? 0, to_ms: keptMs }))) return found
  const behind = await derived.checkpointBehind({ ...own, at_ms: keptMs })
  return behind === undefined || behind.at_ms > goalMs ? 'lost' : behind
}
