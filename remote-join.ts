/**
 * Looks at units with an active test in hand: checks its guards on the last readings before the command is sent and while it runs, and
 * reads its channel when it is over. Nothing is remembered here, so a restart goes on where the rows say.
 */
import type { Clock } from '#kernel/clock.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import type { RemoteTests } from './hubs/remote/remote-desk.ts'
import { IN_DANGER, type PendingTest } from './hubs/remote/remote-tests.ts'
import { brokenGuard, type SaidValue } from './hubs/remote/test-guards.ts'
import { repeatLook } from './repeated-look.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { askTruth } from './workers/truth-queries.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

export interface RemoteSensors {
  /** What a unit said last, by channel. */
  latest(unit: { readonly tenant: string; readonly device: string }): Promise<readonly SaidValue[]>
  /** Records of a unit as they went on the wire. */
  raw(query: {
    readonly tenant: string
    readonly device: string
    readonly from_ms: ReturnType<typeof epochMs>
    readonly to_ms: ReturnType<typeof epochMs>
  }): AsyncIterable<object>
}

export interface RemoteJoin {
  start(): void
  /** Ends behind the test in hand. */
  stop(): Promise<void>
  /** Looks at every test now. */
  look(): Promise<void>
}

const LOOK_MS = 30_000
/** Tests that wait to begin, at one look; the rest follow. */
const TESTS_MAX = 100

/** The look over the readings that the pipeline knows. */
export function joinRemote(
  tests: RemoteTests,
  pipeline: Pick<PipelineHost, 'call' | 'stream'>,
  ports: { readonly clock: Clock; readonly log: Log },
): RemoteJoin {
  const sensors: RemoteSensors = { latest: askTruth(pipeline).latest, raw: (query) => pipeline.stream<object>(PIPELINE_CALLS.raw, query) }
  return createRemoteJoin({ tests, sensors, ...ports })
}

export function createRemoteJoin(parts: {
  readonly tests: RemoteTests
  readonly sensors: RemoteSensors
  readonly clock: Clock
  readonly log: Log
}): RemoteJoin {
  const { tests, sensors, clock, log } = parts
  const lookAt = async (test: PendingTest): Promise<void> => {
    const { offer_id, tenant, device } = test
    const nowMs = clock.now()
    const dueMs = test.due_at_ms ?? Number.POSITIVE_INFINITY
    if (test.state === 'running' && nowMs >= dueMs && !test.is_in_danger) {
      return tests.read(
        offer_id,
        await valuesOf(sensors, { tenant, device, channel: test.test.reads.channel, fromMs: test.started_at_ms ?? 0, toMs: dueMs }),
      )
    }
    const broken = test.is_in_danger ? IN_DANGER : brokenGuard(test.test, await sensors.latest({ tenant, device }), nowMs)
    if (test.state === 'running') return broken === undefined ? undefined : tests.end(offer_id, { state: 'failed', reason: broken })
    if (broken === undefined && nowMs <= test.until_ms) return tests.begin(offer_id)
    if (nowMs > test.until_ms) return tests.end(offer_id, { state: 'blocked', reason: broken ?? 'the consent is too old' })
  }
  const look = async (isStopped: () => boolean): Promise<void> => {
    for (const test of await tests.pending(TESTS_MAX)) {
      if (isStopped()) return
      // One unit that cannot be read keeps no other waiting.
      await lookAt(test).catch((cause: unknown) => log.warn('a test of a unit could not be looked at', { device: test.device, cause: String(cause) }))
    }
  }
  return repeatLook({ look, everyMs: LOOK_MS, failure: 'tests of units could not be looked at, they will be again', clock, log })
}

async function valuesOf(
  sensors: RemoteSensors,
  { tenant, device, channel, fromMs, toMs }: { tenant: string; device: string; channel: string; fromMs: number; toMs: number },
): Promise<number[]> {
  const values: Array<readonly [atMs: number, value: number]> = []
  for await (const record of sensors.raw({ tenant, device, from_ms: epochMs(fromMs), to_ms: epochMs(toMs) })) {
    const { observed_at_ms, v } = record as { readonly observed_at_ms: number; readonly v: Readonly<Record<string, unknown>> }
    const given = v[channel]
    const value =
      typeof given === 'object' && given !== null && 'mean' in given ? Number(given.mean) : given === undefined ? Number.NaN : Number(given)
    if (!Number.isNaN(value)) values.push([observed_at_ms, value])
  }
  return values.sort((a, b) => a[0] - b[0]).map(([, value]) => value)
}
