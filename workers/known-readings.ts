/** Answers an import which of its keys came before, and what is stored under them. */
import type { Deduplicator } from '../ingest/deduplicate.ts'
import type { DeviceKeys, ReadingKey } from '../ingest/files/conflicts.ts'
import type { ReadingStore } from '../ingest/reading-store.ts'
import type { Rpc } from './rpc.ts'
import { PIPELINE_CALLS } from './worker-settings.ts'

/** `see` resolves when what was acknowledged before is stored; asked for suspects it is waited for the first time only. */
export function answerKnownReadings(
  main: Pick<Rpc, 'handle'>,
  {
    store,
    dedup,
    see,
  }: { readonly store: Pick<ReadingStore, 'lookup'>; readonly dedup: Pick<Deduplicator, 'peek'>; readonly see: () => Promise<void> },
): void {
  main.handle(PIPELINE_CALLS.suspects, async ({ keys, isFirst }: { readonly keys: readonly DeviceKeys[]; readonly isFirst: boolean }) => {
    if (isFirst) await see()
    const suspects: number[] = []
    let before = 0
    for (const { tenant, device, boots, seqs } of keys) {
      for (let index = 0; index < seqs.length; index++) {
        const key = { tenant, device, boot: boots[index] ?? 0, seq: seqs[index] ?? 0 }
        if (dedup.peek(key) !== 'fresh') suspects.push(before + index)
      }
      before += seqs.length
    }
    return suspects
  })
  main.handle(PIPELINE_CALLS.stored, async (keys: readonly ReadingKey[]) => {
    await see()
    return store.lookup(keys)
  })
}
