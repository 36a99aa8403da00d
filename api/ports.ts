/**
 * What the API needs of the rest of the program, as narrow ports that main joins. Records are those of the kernel; the few shapes
 * that have no kernel record stand here. Every call is bound to one tenant, so that no route can read another tenant's data by mistake.
 */
import type { Duplex } from 'node:stream'
import type { ApplianceType, Text } from '#catalogue/appliance-type.ts'
import type { NewLearnNormal } from '#catalogue/own-normal.ts'
import type { NewIdentity, NewQuality } from '#catalogue/own-quality.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { AudiencePacket, PacketAudience } from '#kernel/audience-packet.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { PartsDemand } from '#kernel/parts-demand.ts'
import type { WorkOrder, WorkOrderEvent } from '#kernel/work-order.ts'
import type { BacktestPort } from './backtest-ports.ts'
import type { BoardPort } from './board-ports.ts'
import type { CarePort } from './care-ports.ts'
import type { CohortPort } from './cohort-ports.ts'
import type { EmergencyPort } from './emergency-ports.ts'
import type { ExperiencePort } from './experience-ports.ts'
import type { ExportPort, ImportPort } from './file-ports.ts'
import type { HelpPort } from './help-ports.ts'
import type { ClaimPort, DeviceAttributes, ProvisioningPort } from './identity-ports.ts'
import type { IntakePort } from './intake-ports.ts'
import type { JobPort } from './job-ports.ts'
import type { KeyStore } from './keys.ts'
import type { RemainingLifePort } from './life-ports.ts'
import type { LineagePort } from './lineage-ports.ts'
import type { ModelPort } from './model-ports.ts'
import type { OrderChainPort } from './order-ports.ts'
import type { ChannelStatePort, QuarantinePort, ReadingPort, StoragePort } from './reading-ports.ts'
import type { RemotePort } from './remote-ports.ts'
import type { AlarmPort, RulePort } from './rule-ports.ts'
import type { TruthPort } from './truth-ports.ts'
import type { TwinPort } from './twin-ports.ts'

type Maybe<T> = T | Promise<T>

/** One page of a list; `next` is handed back as `after`, null at the end. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export interface NewDevice {
  readonly tenant?: string
  readonly device: string
  readonly type: string
  readonly model?: string
  readonly serial?: string
  readonly firmware?: string
  readonly installed_at_ms?: number
  readonly site?: string
  readonly household?: string
  readonly building?: string
  readonly outage_area?: string
  readonly batch?: string
  readonly max_age_days?: number
  readonly time_zone?: string
}

export interface DeviceRecord {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly model: string | null
  readonly serial: string | null
  readonly firmware: string | null
  readonly installed_at_ms: number | null
  readonly site: string | null
  readonly household: string | null
  readonly building: string | null
  readonly outage_area: string | null
  readonly batch: string | null
  readonly max_age_days: number
  readonly time_zone: string | null
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

export interface DevicePort {
  /** All or none. @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  create(devices: readonly NewDevice[]): Promise<ReadonlyArray<DeviceRecord & { readonly secret: string }>>
  get(tenant: string, device: string): Maybe<DeviceRecord | undefined>
  /** In order of `{tenant}:{device}`, those behind `after` (of the same form). */
  list(query: {
    readonly tenant: string
    readonly type?: string | undefined
    readonly after?: string
    readonly limit: number
  }): Maybe<readonly DeviceRecord[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  setAttributes(tenant: string, device: string, wanted: DeviceAttributes, actor: string): Promise<DeviceRecord>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  rotate(tenant: string, device: string, ends?: 'older' | 'newer'): Promise<string>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  revoke(tenant: string, device: string): Promise<void>
}

export interface GatewayRecord {
  readonly tenant: string
  readonly gateway: string
  readonly devices: readonly string[]
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

/** Public keys of devices and gateways for tokens. */
export interface PrincipalKeyPort {
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  add(
    tenant: string,
    principal: string,
    key: { readonly alg: 'ES256' | 'EdDSA' | 'RS256'; readonly jwk?: object; readonly pem?: string },
  ): Promise<{ readonly key_id: string; readonly alg: string; readonly created_at_ms: number }>
  list(tenant: string, principal: string): ReadonlyArray<{ readonly key_id: string; readonly alg: string; readonly created_at_ms: number }>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  remove(tenant: string, principal: string, keyId: string): Promise<void>
}

/** Gateways with the devices they speak for. */
export interface GatewayPort {
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  create(gateway: {
    readonly tenant: string
    readonly gateway: string
    readonly devices: readonly string[]
  }): Promise<GatewayRecord & { readonly secret: string }>
  get(tenant: string, gateway: string): Maybe<GatewayRecord | undefined>
  /** In order of id, those behind `after`. */
  list(query: { readonly tenant: string; readonly after?: string; readonly limit: number }): Maybe<readonly GatewayRecord[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID */
  setDevices(tenant: string, gateway: string, devices: readonly string[]): Promise<GatewayRecord>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  rotate(tenant: string, gateway: string, ends?: 'older' | 'newer'): Promise<string>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  revoke(tenant: string, gateway: string): Promise<void>
}

/** Channel of a type that a user registers. */
export interface NewChannel {
  readonly name: string
  readonly kind?: 'number' | 'boolean' | 'text'
  readonly unit?: string
  readonly min?: number
  readonly max?: number
  readonly aggregated?: boolean
  readonly description?: string
  /** How its quality is judged (docs/quality.md). */
  readonly quality?: NewQuality
}

export interface NewType {
  readonly type: string
  readonly name?: string
  readonly channels: readonly NewChannel[]
  readonly identities?: readonly NewIdentity[]
  /** How the own normal of its devices is learned (docs/learn-normal.md). */
  readonly learn_normal?: NewLearnNormal
}

export interface TypePort {
  /** Types of the catalogue and the tenant's own. */
  list(tenant: string): readonly ApplianceType[]
  find(tenant: string, name: string): ApplianceType | undefined
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  register(tenant: string, type: NewType): Promise<ApplianceType>
}

/** Newest version of a mapping. */
export interface MappingRecord {
  readonly mapping: string
  readonly version: number
  readonly match: object
  /** The YAML as it was registered. */
  readonly definition: string
  readonly created_at_ms: number
}

export interface MappingPort {
  /** In order of their names. */
  list(tenant: string): readonly MappingRecord[]
  get(tenant: string, mapping: string): MappingRecord | undefined
  /** @throws MendlineError MDL_MAPPING_INVALID, MDL_API_CONFLICT */
  register(tenant: string, definition: string): Promise<MappingRecord>
}

/** Query of a hub's list; each filter is an equality. */
export interface HubQuery {
  readonly tenant: string
  readonly device?: string
  readonly state?: string
  readonly fault?: string
  readonly safetyClass?: string
  readonly answer?: string
  readonly outlet?: string
  readonly engineer?: string
  readonly after?: string
  readonly limit: number
}

interface PacketReading {
  readonly tenant: string
  readonly id: string
  readonly audience: PacketAudience
  readonly locale: keyof Text
}

export interface HubPort {
  diagnoses(query: HubQuery): Promise<Page<Diagnosis>>
  /** Absent where the hub cannot look up one. */
  diagnosis?(tenant: string, id: string): Promise<Diagnosis | undefined>
  alarms(query: HubQuery): Promise<Page<Alarm>>
  alarm(tenant: string, id: string): Promise<Alarm | undefined>
  cases(query: HubQuery): Promise<Page<object>>
  workOrders(query: HubQuery): Promise<Page<WorkOrder>>
  workOrder(tenant: string, id: string): Promise<WorkOrder | undefined>
  /** SVG of the evidence of an order's packet. */
  workOrderEvidence(tenant: string, id: string, locale: keyof Text): Promise<string | undefined>
  /** The packet as an audience reads it, and the same as a page. */
  workOrderPacket(reading: PacketReading): Promise<AudiencePacket | undefined>
  workOrderPacketPage(reading: PacketReading): Promise<string | undefined>
  /** History of an order, oldest first. */
  workOrderMoves(tenant: string, id: string): Promise<readonly object[]>
  partsNeeds(query: HubQuery): Promise<Page<PartsDemand>>
  /** Idempotent by key. @throws MendlineError MDL_HUBS_ILLEGAL_MOVE, MDL_HUBS_OUTCOME_REQUIRED, MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  workOrderEvent(
    tenant: string,
    id: string,
    input: WorkOrderEvent,
    idempotencyKey: string,
    options: { readonly expectedRevision: number | undefined; readonly by: string },
  ): Promise<WorkOrder>
}

export interface NewWebhook {
  readonly url: string
  /** Event types, `*` at the end stands for any rest; empty = all. */
  readonly types: readonly string[]
  readonly description?: string
  /** Signing secret of the caller's own; made when absent. */
  readonly secret?: string
  /** `emergency` = takes events of emergencies alone, by their own path. */
  readonly lane?: 'ordinary' | 'emergency'
}

export interface WebhookChange {
  readonly url?: string
  readonly types?: readonly string[]
  readonly description?: string
  readonly enabled?: boolean
}

export interface WebhookPort {
  /** The answer carries `secret`, shown this once. @throws MendlineError MDL_HUBS_WEBHOOK_TARGET_REFUSED */
  create(tenant: string, webhook: NewWebhook): Promise<object>
  list(query: { readonly tenant: string; readonly after?: string; readonly limit: number }): Promise<Page<object>>
  get(tenant: string, id: string): Promise<object | undefined>
  update(tenant: string, id: string, change: WebhookChange): Promise<object | undefined>
  /** New signing secret; the old one signs beside it for a while. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT while two sign and `ends` names none */
  rotateSecret(tenant: string, id: string, ends?: 'older' | 'newer'): Promise<object>
  /** Tells whether there was one. */
  remove(tenant: string, id: string): Promise<boolean>
  attempts(query: { readonly tenant: string; readonly id: string; readonly after?: string; readonly limit: number }): Promise<Page<object>>
  /** Puts a `mendline.test.v1` into the outbox. @throws MendlineError MDL_API_NOT_FOUND */
  sendTest(tenant: string, id: string): Promise<object>
  /** Deliveries in a state, oldest first. */
  deliveries(query: { readonly tenant: string; readonly id: string; readonly state: string; readonly limit?: number }): Promise<readonly object[]>
  /** Sends the dead letters of the endpoint again: all, or one event. @throws MendlineError MDL_API_NOT_FOUND */
  replay(tenant: string, id: string, eventId?: string): Promise<object>
}

export interface HealthPort {
  /** Whether the process takes messages now, with each check by name. */
  ready(): Maybe<{ readonly isReady: boolean; readonly checks: Readonly<Record<string, string>> }>
  /** Live counts for the console: numbers by name (`devices`, `connected`, `readings`, `work_orders_open` ...). */
  status(tenant: string): Maybe<Readonly<Record<string, number>>>
}

export interface MetricsPort {
  readonly contentType: string
  metrics(): Promise<string>
}

export type KeyPort = KeyStore

/** Answers of POSTs that carried an Idempotency-Key. */
export interface IdempotencyPort {
  /** Runs `act` once for (caller, key) and gives its answer again later. @throws MendlineError MDL_API_IDEMPOTENCY_MISMATCH, MDL_API_CONFLICT */
  once(
    request: { readonly token: string; readonly key: string; readonly route: string; readonly body: unknown },
    act: () => Promise<unknown>,
  ): Promise<{ readonly answer: unknown; readonly isReplayed: boolean }>
}

/** MQTT over WebSocket: takes the byte stream of one connection. */
export interface MqttPort {
  handleWebSocket(stream: Duplex, address: string): void
}

export interface ApiPorts {
  readonly keys: KeyPort
  readonly idempotency: IdempotencyPort
  readonly devices: DevicePort
  readonly gateways: GatewayPort
  readonly principalKeys: PrincipalKeyPort
  readonly claims: ClaimPort
  readonly provisioning: ProvisioningPort
  readonly types: TypePort
  readonly mappings: MappingPort
  readonly readings: ReadingPort
  readonly storage: StoragePort
  readonly truth: TruthPort
  readonly quarantine: QuarantinePort
  readonly channelStates: ChannelStatePort
  readonly hubs: HubPort
  readonly orderChain: OrderChainPort
  readonly emergencies: EmergencyPort
  readonly experience: ExperiencePort
  readonly intake: IntakePort
  readonly remote: RemotePort
  readonly help: HelpPort
  readonly care: CarePort
  readonly lineage: LineagePort
  readonly alarms: AlarmPort
  readonly rules: RulePort
  readonly backtests: BacktestPort
  readonly boards: BoardPort
  readonly models: ModelPort
  readonly cohorts: CohortPort
  readonly remainingLife: RemainingLifePort
  readonly jobs: JobPort
  readonly imports: ImportPort
  readonly exports: ExportPort
  readonly webhooks: WebhookPort
  readonly twin: TwinPort
  readonly health: HealthPort
  readonly metrics: MetricsPort
  readonly mqtt?: MqttPort
}
