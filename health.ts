/**
 * What the process says of itself: whether it is ready, live counts for the console, and samples for the metrics. The balance of ingest
 * (in = stored + quarantined + duplicates + conflicts + waiting) is computed here, so that a silent loss shows as a number.
 */
import { type Sample, samplesOf } from './metrics.ts'
import type { PipelineHostStatistics } from './workers/pipeline-host.ts'

type Counts = Readonly<Record<string, number>>

export interface HealthParts {
  readonly journal: {
    end(): number
    pendingBytes(): number
    found(): { readonly tornBytes: number; readonly corruptRecords: number } | undefined
  }
  readonly pipeline: { isRunning(): boolean; auditFinding(): string; statistics(): Promise<PipelineHostStatistics> }
  readonly broker: { connectedCount(): number; statistics(): { readonly refusals: Readonly<Partial<Record<string, number>>> } }
  readonly ingest: { isWriting(): boolean; statistics(): object }
  readonly safety: { statistics(): Counts }
  readonly counts: (tenant: string) => Promise<Counts>
  readonly hubs: {
    statistics(): { readonly eventsSetAside: number; readonly timersRun: number; readonly timersFailed: number }
    compression(
      tenant: undefined,
      span: { readonly from_ms: number; readonly to_ms: number },
    ): Promise<Readonly<Record<'alarms' | 'groups' | 'ratio', number>>>
  }
  readonly outbox: { statistics(): Promise<Counts> }
  readonly emergencies: { readonly hub: { statistics(): Promise<Counts> }; readonly outbox: { statistics(): Promise<Counts> } }
  readonly purge: { statistics(): Counts }
  readonly gateways: { statistics(): Counts }
  readonly twin: { statistics(): Promise<Counts> }
  readonly loopDelay: { p99Ms(): number }
  readonly cohorts: { statistics(): Counts }
  /** Models of tenants in force that give no diagnosis. */
  readonly models: { silent(): number }
  readonly disk: { finding(): string; statistics(): Counts }
  readonly clock: { now(): number }
  readonly registry: { count(tenant: string): number; tenants(): number }
}

export interface Health {
  ready(): { readonly isReady: boolean; readonly checks: Readonly<Record<string, string>> }
  status(tenant: string): Promise<Counts>
  samples(): Promise<readonly Sample[]>
}

export function createHealth(parts: HealthParts): Health {
  const { journal, pipeline, broker, ingest, safety, counts, hubs, purge, gateways, registry, twin, loopDelay, clock, disk, cohorts } = parts
  return {
    ready() {
      const vital = {
        journal: ingest.isWriting() ? 'ok' : 'cannot write',
        pipeline: pipeline.isRunning() ? 'ok' : 'not running',
        disk: disk.finding() === '' ? 'ok' : disk.finding(),
      }
      const isReady = Object.values(vital).every((state) => state === 'ok')
      // Books that do not balance are an alarm; messages are taken all the same.
      const finding = pipeline.auditFinding()
      const more = {
        audit: finding === '' ? 'ok' : finding,
        journal_records: brokenRecords(journal.found()?.corruptRecords ?? 0),
        models: silentModels(parts.models.silent()),
      }
      return { isReady, checks: { ...vital, ...more } }
    },
    async status(tenant) {
      const [{ pipeline: flow, writer, store }, service] = await Promise.all([pipeline.statistics(), counts(tenant)])
      const own = { devices: registry.count(tenant), ...service }
      // What follows is counted over all tenants, and is nobody's business where there is more than one.
      if (registry.tenants() > 1) return own
      return {
        ...own,
        connected: broker.connectedCount(),
        readings: store.readings ?? 0,
        quarantined: store.quarantined ?? 0,
        windows_pending: flow.windowsPending,
        records_behind_bytes: journal.end() - flow.position,
        duplicates: writer.duplicates ?? 0,
      }
    },
    async samples() {
      const nowMs = clock.now()
      const grouped = await hubs.compression(undefined, { from_ms: nowMs - 86_400_000, to_ms: nowMs })
      const { pipeline: flow, writer, store, quality, truth, normal, audit, heard, ...more } = await pipeline.statistics()
      const { maintenance, tiers, models, drift, restarts } = more
      const twins = await twin.statistics()
      const { position, storedPosition, storedReceivedMs, windowsPending, ...counted } = flow
      const accounted = (writer.stored ?? 0) + (writer.waiting ?? 0) + (writer.quarantined ?? 0) + (writer.duplicates ?? 0) + (writer.conflicts ?? 0)
      return [
        gauge('mendline_broker_connected_count', 'Clients that are logged in', broker.connectedCount()),
        ...samplesOf('mendline_broker', 'Broker', numbersOf(broker.statistics()), 'gauge'),
        ...refusalSamples(broker.statistics().refusals),
        ...samplesOf('mendline_gateways', 'Gateways to other brokers', gateways.statistics(), 'gauge'),
        ...samplesOf('mendline_ingest', 'Ingest', numbersOf(ingest.statistics()), 'gauge'),
        gauge('mendline_main_loop_delay_p99_ms', 'Delay of the main thread, 99th percentile since the last look', loopDelay.p99Ms()),
        ...journalSamples(journal),
        gauge('mendline_pipeline_lag_bytes', 'Journal that the pipeline has not read', journal.end() - position),
        ...lagSamples({ endBytes: journal.end(), storedPosition, storedReceivedMs, nowMs: clock.now() }),
        ...foldSamples({ audit, normal, truth }),
        ...heardSamples(heard),
        ...pipelineSamples({ windowsPending, restarts, counted }),
        ...samplesOf('mendline_writer', 'Readings by what became of them', writer, 'gauge'),
        unaccounted((writer.in ?? 0) - accounted),
        ...samplesOf('mendline_store', 'Reading store', store, 'gauge'),
        ...samplesOf('mendline_disk', 'Disk of the data folder', disk.statistics(), 'gauge'),
        ...stateSamples(quality),
        ...tierSamples(tiers),
        ...samplesOf('mendline_models', 'Models of tenants', models, 'gauge'),
        ...driftSamples(drift),
        ...samplesOf('mendline_store_maintenance', 'Maintenance of the reading store by step', maintenance, 'counter'),
        ...samplesOf('mendline_safety', 'Safety consumer', safety.statistics(), 'gauge'),
        counter('mendline_hubs_events_set_aside_total', 'Events that the hubs failed on twice', hubs.statistics().eventsSetAside),
        counter('mendline_hubs_timers_total', 'Timers of the hubs that were run', hubs.statistics().timersRun),
        counter('mendline_hubs_timers_failed_total', 'Runs of timers of the hubs that failed; each is tried again', hubs.statistics().timersFailed),
        ...samplesOf('mendline_alarm_groups_day', 'Alarms of the last day, the groups that one cause explains, and alarms a group', grouped, 'gauge'),
        ...samplesOf('mendline_twin', 'Settings, commands and presence', twins, 'gauge'),
        ...samplesOf('mendline_cohorts', 'Batches and firmware versions by fault', cohorts.statistics(), 'gauge'),
        ...samplesOf('mendline_purged_rows', 'Rows dropped by age', purge.statistics(), 'counter'),
        ...(await deliverySamples(parts)),
      ]
    },
  }
}

/** No message waits for a model: the process stays ready. */
const silentModels = (count: number): string =>
  count === 0 ? 'ok' : `${count} in force give no diagnosis: \`objection\` of GET /api/v1/models says why`

function pipelineSamples({ windowsPending, restarts, counted }: { windowsPending: number; restarts: number; counted: Counts }): readonly Sample[] {
  return [
    gauge('mendline_pipeline_windows_pending_count', 'Windows that wait for the models', windowsPending),
    gauge('mendline_pipeline_restarts_count', 'Restarts of the pipeline worker', restarts),
    ...samplesOf('mendline_pipeline', 'Pipeline', counted, 'counter'),
  ]
}

const unaccounted = (value: number): Sample =>
  gauge('mendline_writer_unaccounted_count', 'Readings in that are neither stored, waiting, quarantined, duplicate nor conflict', value)

/** What follows a broken record is read and new ones are taken, so it keeps nobody out; what it held is lost. */
const brokenRecords = (count: number): string => (count === 0 ? 'ok' : `${count} broken at the start; \`mendline verify\` says where`)

const journalSamples = (journal: HealthParts['journal']): readonly Sample[] => [
  gauge('mendline_journal_end_bytes', 'End of what is durable', journal.end()),
  gauge('mendline_journal_pending_bytes', 'Bytes that wait for a commit', journal.pendingBytes()),
  gauge('mendline_journal_corrupt_records_count', 'Broken records that the start found in the newest segment', journal.found()?.corruptRecords ?? 0),
  gauge('mendline_journal_torn_bytes', 'Bytes of a torn tail that the start cut off and kept beside', journal.found()?.tornBytes ?? 0),
]

/** What leaves, by both lanes. */
async function deliverySamples({ outbox, emergencies }: Pick<HealthParts, 'outbox' | 'emergencies'>): Promise<readonly Sample[]> {
  const deliveries = await outbox.statistics()
  const [dangers, lane] = await Promise.all([emergencies.hub.statistics(), emergencies.outbox.statistics()])
  return [
    ...samplesOf('mendline_outbox_deliveries', 'Deliveries by state', deliveries, 'gauge'),
    ...samplesOf('mendline_emergencies', 'Emergencies by state; unowned = none has them or no countdown runs', dangers, 'gauge'),
    ...samplesOf('mendline_emergency_deliveries', 'Deliveries of emergencies by state', lane, 'gauge'),
  ]
}

const counter = (name: string, help: string, value: number): Sample => ({ name, help, kind: 'counter', value })
const gauge = (name: string, help: string, value: number): Sample => ({ name, help, kind: 'gauge', value })

const foldSamples = ({ audit, normal, truth }: Pick<PipelineHostStatistics, 'audit' | 'normal' | 'truth'>): Sample[] => [
  ...samplesOf('mendline_audit', 'Self-audit: differences of the books (each 0), checks made, readings decoded', audit, 'gauge'),
  ...samplesOf('mendline_normal', 'Learned normals: bytes of the rows they learn from, devices that found no room', normal, 'gauge'),
  ...samplesOf('mendline_device_time', 'Order of device time', truth, 'gauge'),
]

function stateSamples({ begun, standing }: PipelineHostStatistics['quality']): Sample[] {
  const help = 'States of channels'
  return [
    ...Object.entries(begun).map(([state, value]) => ({
      name: 'mendline_channel_states_begun_total',
      help: `${help} that began since the start, by state`,
      kind: 'counter' as const,
      value,
      labels: { state },
    })),
    ...Object.entries(standing).map(([state, value]) => ({
      name: 'mendline_channel_states_standing_count',
      help: `${help} that stand now, by state`,
      kind: 'gauge' as const,
      value,
      labels: { state },
    })),
  ]
}

/** Types that users made are counted together: their names are of one tenant, and the metrics are read by whoever runs the process. */
const publicType = (type: string): string => (type.includes('.') ? 'own' : type)

function tierSamples(given: PipelineHostStatistics['tiers']): Sample[] {
  const tiers = new Map<string, { tier: string; type: string; rows: number; bytes: number; oldest_ms: number | null }>()
  for (const { tier, type, rows, bytes, oldest_ms } of given) {
    const labels = { tier, type: publicType(type) }
    const key = `${labels.tier}/${labels.type}`
    const sum = tiers.get(key) ?? { ...labels, rows: 0, bytes: 0, oldest_ms: null }
    const oldest = sum.oldest_ms === null || oldest_ms === null ? (sum.oldest_ms ?? oldest_ms) : Math.min(sum.oldest_ms, oldest_ms)
    tiers.set(key, { ...sum, rows: sum.rows + rows, bytes: sum.bytes + bytes, oldest_ms: oldest })
  }
  return [...tiers.values()].flatMap(({ tier, type, rows, bytes, oldest_ms }) => {
    const of = { kind: 'gauge', labels: { tier, type } } as const
    const oldest = { name: 'mendline_store_tier_oldest_seconds', help: 'Device time of the oldest row, epoch seconds, by tier and type', ...of }
    return [
      { name: 'mendline_store_tier_rows', help: 'Rows stored by tier and type', value: rows, ...of },
      { name: 'mendline_store_tier_bytes', help: 'Bytes stored by tier and type', value: bytes, ...of },
      ...(oldest_ms === null ? [] : [{ ...oldest, value: oldest_ms / 1_000 }]),
    ]
  })
}

function driftSamples(findings: PipelineHostStatistics['drift']): Sample[] {
  return findings.flatMap(({ tenant, model, firmware, season, psi, is_drifting }) => {
    const of = { kind: 'gauge', labels: { tenant, model, firmware, season } } as const
    return [
      { name: 'mendline_model_drift_psi_ratio', help: 'Largest population stability index of what a model sees', value: psi, ...of },
      { name: 'mendline_model_drifting_ratio', help: '1 where that is beyond its limit', value: is_drifting ? 1 : 0, ...of },
    ]
  })
}

function lagSamples(given: {
  readonly endBytes: number
  readonly storedPosition: number
  readonly storedReceivedMs: number
  readonly nowMs: number
}): Sample[] {
  const { endBytes, storedPosition, storedReceivedMs, nowMs } = given
  const isBehind = endBytes > storedPosition && storedReceivedMs > 0
  return [
    gauge('mendline_ingest_lag_bytes', 'Acknowledged and not stored yet', endBytes - storedPosition),
    gauge(
      'mendline_ingest_lag_ms',
      'Age of the last stored receipt while anything waits, else 0',
      isBehind ? Math.max(0, nowMs - storedReceivedMs) : 0,
    ),
  ]
}

function heardSamples(heard: PipelineHostStatistics['heard']): Sample[] {
  const sums = new Map<string, { devices: number; silent: number }>()
  for (const [type, { devices, silent }] of heard) {
    const sum = sums.get(publicType(type)) ?? { devices: 0, silent: 0 }
    sums.set(publicType(type), { devices: sum.devices + devices, silent: sum.silent + silent })
  }
  return [...sums].flatMap(([type, { devices, silent }]) => [
    { ...gauge('mendline_devices_heard_count', 'Devices that sent a reading, by type', devices), labels: { type } },
    { ...gauge('mendline_devices_silent_count', 'Devices of these that were not heard for a quarter of an hour', silent), labels: { type } },
  ])
}

function refusalSamples(refusals: Readonly<Partial<Record<string, number>>>): Sample[] {
  const help = 'Connections, packets and messages that the broker refused, by error code'
  return Object.entries(refusals).map(([code, value = 0]) => ({
    name: 'mendline_broker_refused_total',
    help,
    kind: 'counter',
    value,
    labels: { code },
  }))
}

const numbersOf = (counts: object): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
