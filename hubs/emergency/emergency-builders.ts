/** An emergency hub over a book in memory (or a file), with ways to people, sessions and time in the hands of the test. */
import type { Kysely } from 'kysely'
import { ManualClock } from '#kernel/clock.ts'
import type { CommandNote } from '#kernel/command.ts'
import type { DutyRoster } from '#kernel/duty-roster.ts'
import { MendlineError } from '#kernel/errors.ts'
import { faultsOfEvent } from '#kernel/event-types.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { createTargetGuard } from '../dispatch/webhook-target.ts'
import { raised, STORY_MS, testType } from '../hub-builders.ts'
import type { HubTables } from '../hub-tables.ts'
import type { CloudEvent } from '../outbox-events.ts'
import { openEmergencyHub } from './emergency-hub.ts'
import { type EmergencyTables, emergencyMigrations } from './emergency-tables.ts'
import type { Call } from './notices.ts'
import { findOrderLinks } from './order-links.ts'
import type { WithdrawCommand } from './withdraw-commands.ts'

export const HOUR_MS = 3_600_000
export const fire = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })
const gasType = {
  ...testType,
  safeStates: [{ of: ['T-03'], hazard: 'fire_or_shock' as const, actions: ['close_gas_valve', 'stop_heater'], text: { en: 'off', 'zh-CN': '停' } }],
}

export const roster: DutyRoster = {
  time_zone: 'UTC',
  people: [
    { person: 'li', name: 'Li', locale: 'zh-CN', channels: [{ kind: 'email', address: 'li@example.com' }] },
    { person: 'ann', name: 'Ann', channels: [{ kind: 'chat', url: 'https://chat.example.com/ann' }] },
    { person: 'boss', name: 'Boss', channels: [{ kind: 'chat', url: 'https://chat.example.com/boss' }] },
  ],
  shifts: [
    { person: 'li', from: '00:00', to: '12:00' },
    { person: 'ann', from: '12:00', to: '00:00' },
  ],
  ladders: {
    E0: [
      { notify: ['on_duty'], wait_s: 60 },
      { notify: ['boss'], wait_s: 120 },
    ],
  },
}

/** Opens a book's file; the operational store's own. */
type OpenBook = (options: { readonly file: string; readonly log: typeof silentLog }) => Promise<{
  readonly database: unknown
  migrate(list: typeof emergencyMigrations): Promise<void>
  close(): Promise<void>
}>

export async function emergencyBench(
  openOperations: OpenBook,

  given: {
    file?: string
    clock?: ManualClock
    /** Store of the ordinary hubs, where orders are looked up. */
    ordinary?: Kysely<HubTables>
    withdrawCommand?: WithdrawCommand
    placeOf?: (tenant: string, device: string) => { household?: string }
    links?: ReadonlyMap<string, { work_order_id: string; case_id: string; isSettled: boolean }>
  } = {},
) {
  const operations = await openOperations({ file: given.file ?? ':memory:', log: silentLog })
  await operations.migrate(emergencyMigrations)
  const database = operations.database as Kysely<EmergencyTables>
  const clock = given.clock ?? new ManualClock(STORY_MS + HOUR_MS)
  const events: CloudEvent[] = []
  const calls: Call[] = []
  const sent: Array<{ device: string; commandId: string; body: { command: string; payload: { actions: string[] } } }> = []
  const moods = { sessions: 1, areCallsTaken: true, isAway: false }
  const call = async (one: Call): Promise<void> => {
    calls.push(one)
    if (!moods.areCallsTaken) throw new MendlineError('MDL_HUBS_MAIL_FAILED', 'away', { retryable: true })
  }
  const hub = await openEmergencyHub({
    ...{
      database,
      clock,
      log: silentLog,
      publicUrl: 'https://mendline.example.com',
      locale: 'en',
      fallback: [],
      pastDangerMs: 24 * HOUR_MS,
      linkLifeMs: 168 * HOUR_MS,
    },
    withdrawCommand: given.withdrawCommand,
    catalogue: () => gasType,
    ruleOf: (alarm) => gasType.rules.find(({ id }) => id === alarm.rule),
    placeOf: given.placeOf ?? ((_tenant, device) => (device === 'unit-1' ? { household: 'House 9' } : {})),
    callers: { email: call, chat: call },
    checkUrl: createTargetGuard({ allowLoopback: false, allowRanges: [] }).checkUrl,
    linksOf: async (open) => given.links ?? (given.ordinary === undefined ? new Map() : findOrderLinks(given.ordinary, open)),
    onCommitted(committed) {
      const faults = committed.flatMap(faultsOfEvent)
      if (faults.length > 0) throw new Error(`an event breaks its published schema: ${faults.join('; ')}`)
      events.push(...committed)
    },
  })
  hub.speakThrough(
    {
      sendCommand({ device, commandId, payload }) {
        if (moods.sessions > 0) sent.push({ device, commandId, body: JSON.parse(Buffer.from(payload).toString()) })
        return moods.sessions
      },
      onListening: () => {},
    },
    () => moods.isAway,
  )
  await hub.start()
  return {
    ...{ hub, database, clock, events, calls, sent, moods },
    names: () => events.map(({ type }) => type.replace(/^mendline[.]|[.]v1$/g, '')),
    named: (name: string) => events.filter(({ type }) => type === `mendline.${name}.v1`).map(({ data }) => data),
    emergency: async () => (await hub.list({ tenant: 'home' })).items[0],
    /** In steps, so that what falls due on the way is done at its time. */
    async pass(ms: number, stepMs = ms <= 120_000 ? 1_000 : 60_000) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed))
        await hub.settled()
      }
    },
    noted(state: CommandNote['state'], commandId: string): HubEvent {
      const note = { command_id: commandId, tenant: 'home', device: 'unit-1', state, reason: null, at_ms: clock.now() }
      return { kind: 'command_moved', key: `command/${commandId}/${state}`, note }
    },
    async [Symbol.asyncDispose]() {
      await hub.stop()
      await operations.close()
    },
  }
}
