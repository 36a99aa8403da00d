/**
 * Joins the emergency hub: its book in a file of its own, its outbox and mail with connections of their own, the sessions of devices, and
 * the endpoints of webhooks that both outboxes share. Only the link to the order of a danger reads the ordinary store, beside everything.
 */
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Clock } from '#kernel/clock.ts'
import type { DutyPerson } from '#kernel/duty-roster.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { Config } from './config.ts'
import type { TargetGuard } from './hubs/dispatch/webhook-target.ts'
import { adoptOlder } from './hubs/emergency/adopt.ts'
import { type EmergencyHub, openEmergencyHub } from './hubs/emergency/emergency-hub.ts'
import { type EmergencyTables, emergencyMigrations } from './hubs/emergency/emergency-tables.ts'
import { findOrderLinks } from './hubs/emergency/order-links.ts'
import { type ReportDesk, raisingDangers, takeUpReports } from './hubs/emergency/report-danger.ts'
import { createWebhookLanes, EMERGENCY_ENDPOINT, type WebhookLanes } from './hubs/emergency/webhook-lanes.ts'
import type { WithdrawCommand } from './hubs/emergency/withdraw-commands.ts'
import { standardPolicy } from './hubs/hub-policy.ts'
import type { HubTables } from './hubs/hub-tables.ts'
import { createChatWebhook } from './hubs/notifiers/chat-webhook.ts'
import { createHttpWebhook } from './hubs/notifiers/http-webhook.ts'
import { createSmtpMail } from './hubs/notifiers/smtp-mail.ts'
import { createOutbox, type Outbox } from './hubs/outbox.ts'
import { createPurge } from './hubs/purge.ts'
import { openOperations } from './operations/open-database.ts'

interface EmergencyJoints {
  readonly database: Kysely<HubTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
  readonly registry: {
    get(tenant: string, device: string): Readonly<Record<'household' | 'building' | 'site', string | null> & { type: string }> | undefined
    ofHousehold(tenant: string, household: string): ReadonlyArray<{ readonly device: string }>
  }
  readonly guard: TargetGuard
  readonly ordinary: Outbox
  /** Ends a safe-state command that the twin still has for a device. */
  readonly withdrawCommand: WithdrawCommand
  readonly hubs: { apply(events: readonly HubEvent[]): Promise<void> }
  readonly clock: Clock
  readonly log: Log
}

export interface EmergencyStage {
  readonly hub: EmergencyHub
  readonly lanes: WebhookLanes
  readonly outbox: Outbox
  /** Tells both hubs of the same events: this one first, and neither waits for the other. Each takes an event once. */
  apply(events: readonly HubEvent[]): Promise<void>
  /** The same desk; a danger that somebody tells it of is an emergency, too. */
  hears<Desk extends ReportDesk>(desk: Desk): Desk
  start(): Promise<void>
  stop(): Promise<void>
}

/** An endpoint that hangs holds up its own next attempt only so long; what is dangerous is tried again soon. */
const DELIVERY_TIMEOUT_MS = 5_000
/** Deliveries at one time, a quarter of them to one endpoint, each by a connection of its own: a burst of dangers does not wait for itself. */
const IN_FLIGHT_MAX = 256
const CONNECTIONS_MAX = IN_FLIGHT_MAX / 4

/** Opens the book of a data folder; nothing leaves before `start`. */
export async function joinEmergencies({ dataDir, emergencies, limits, retention }: Config, joints: EmergencyJoints): Promise<EmergencyStage> {
  const { database: ordinaryDatabase, registry, guard, ordinary, clock, log } = joints
  const book = await openOperations({ file: join(dataDir, 'emergency.sqlite'), log })
  await book.migrate(emergencyMigrations)
  const database = book.database as unknown as Kysely<EmergencyTables>
  const outboxDatabase = book.database as unknown as Kysely<HubTables>
  const bounds = { ...limits, deliveryTimeoutMs: Math.min(limits.deliveryTimeoutMs, DELIVERY_TIMEOUT_MS), deliveriesInFlight_MAX: IN_FLIGHT_MAX }
  const outbox = createOutbox({
    ...{ database: outboxDatabase, clock, log, limits: bounds, notifier: createHttpWebhook({ guard, connections: CONNECTIONS_MAX }), guard },
    ...{ random: createRandom(`emergency outbox/${clock.now()}`), endpointPrefix: EMERGENCY_ENDPOINT },
  })
  const chat = createHttpWebhook({ guard, connections: CONNECTIONS_MAX })
  const mail = emergencies.smtp === undefined ? undefined : createSmtpMail({ url: emergencies.smtp.reveal(), from: emergencies.mail_from })
  const hub = await openEmergencyHub({
    ...joints,
    database,
    publicUrl: emergencies.public_url,
    locale: emergencies.locale,
    fallback: fallbackOf(emergencies),
    placeOf: (tenant, device) => {
      const unit = registry.get(tenant, device)
      return unit === undefined ? {} : { household: unit.household, building: unit.building, site: unit.site }
    },
    pastDangerMs: standardPolicy.pastDangerMs,
    linkLifeMs: limits.emergencyLinkMs,
    callers: {
      chat: createChatWebhook({ notifier: chat }),
      ...(mail === undefined ? {} : { email: ({ target, subject, body, signal }) => mail.send({ to: target, subject, text: body, signal }) }),
    },
    linksOf: (open) => findOrderLinks(ordinaryDatabase, open),
    checkUrl: guard.checkUrl,
    onCommitted: () => outbox.wake(),
  })
  const purge = createPurge({ database: outboxDatabase, retention, clock, log, of: 'outbox' })
  const typeOf = (tenant: string, device: string): ApplianceType | undefined => joints.catalogue(registry.get(tenant, device)?.type ?? '')
  let takingUp: Promise<void> = Promise.resolve()
  const lanes = createWebhookLanes({ ordinary, emergency: outbox, ordinaryDatabase, emergencyDatabase: outboxDatabase })
  return {
    ...{ hub, lanes, outbox },
    apply: tellBoth(hub, joints.hubs),
    hears(desk) {
      const raising = raisingDangers(desk, { hub, typeOf, unitsOf: registry.ofHousehold, nowMs: () => clock.now() })
      takingUp = takeUpReports(raising, { ordinary: ordinaryDatabase, nowMs: clock.now(), log }).catch((cause: unknown) =>
        log.error('reported dangers could not be taken up', { cause: String(cause) }),
      )
      return raising
    },
    async start() {
      await lanes.mirror()
      const adopted = await adoptOlder({ ...joints, ordinary: ordinaryDatabase, book: database, nowMs: clock.now() })
      if (adopted > 0) log.info('emergencies of an earlier version were taken over', { emergencies: adopted })
      await hub.start()
      await outbox.start()
      purge.start()
    },
    async stop() {
      await takingUp
      await hub.stop()
      await Promise.all([outbox.stop(), chat.stop(), purge.stop()])
      mail?.stop()
      await book.close()
    },
  }
}

function fallbackOf({ fallback_emails, fallback_chats, locale }: Config['emergencies']): readonly DutyPerson[] {
  const channels = [
    ...fallback_emails.map((address) => ({ kind: 'email' as const, address })),
    ...fallback_chats.map((url) => ({ kind: 'chat' as const, url })),
  ]
  return channels.length === 0 ? [] : [{ person: 'operator', name: 'operator', locale, channels }]
}

/** Rejects when either failed, so that whoever tells tells again. */
const tellBoth =
  (emergencies: Pick<EmergencyHub, 'apply'>, hubs: EmergencyJoints['hubs']) =>
  async (events: readonly HubEvent[]): Promise<void> => {
    const told = await Promise.allSettled([emergencies.apply(events), hubs.apply(events)])
    const failed = told.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
