/**
 * A small living street: appliances of several types with known faults, which publish as real MQTT clients, and a service desk that
 * receives the webhooks and repairs what is really broken. It lies where it is summer now, so that its air conditioners run. It begins some
 * weeks back, lets time pass fast, and slows to real time at now. It knows the platform only by its doors: MQTT and REST. The truth of the
 * faults stays here.
 */

import { type Clock, ManualClock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { createDeviceClients, type DeviceClients } from './device-client.ts'
import { createMixedFleet, type FleetShare, type MixedFleet } from './mixed-fleet.ts'
import { registrationOf } from './registration.ts'
import { createServiceDesk, type ServiceDesk } from './service-desk.ts'
import { CITIES, inSummerAt } from './weather.ts'

export interface StreetOptions {
  readonly shares: readonly FleetShare[]
  readonly seed: string
  readonly weeksBack: number
  readonly faultShare: number
  readonly mqttUrl: string
  readonly httpUrl: string
  readonly apiKey: string
  readonly tenant: string
  readonly clock: Clock
  readonly log: Log
}

export interface StreetStatus {
  /** Street time. */
  readonly nowMs: number
  /** Street time over real time, 1 when it has come to now. */
  readonly speed: number
  readonly isLive: boolean
  readonly readings: number
  readonly units: number
  /** Units of each type. */
  readonly types: Readonly<Record<string, number>>
  readonly typeOf: ReadonlyMap<string, string>
  readonly faultsBegun: number
  readonly faultsRepaired: number
  readonly webhooks: ServiceDesk['counts']
  /** Visits that ended, by whether the engineer found what the order named. */
  readonly visits: { readonly named: number; readonly other: number; readonly nothing: number }
  /** What looked like a fault and was none, by name; empty until the street has come to now. */
  readonly confusers: Readonly<Record<string, number>>
}

export interface Street {
  /** Registers units and the webhook endpoint, then lives until `stop`. */
  start(): Promise<void>
  status(): StreetStatus
  stop(): Promise<void>
}

const WEEK_MS = 7 * 86_400_000
/** Longest sample period of the shares, and readings a payload, while time passes fast. */
const FAST_SAMPLE_MS = 10 * 60_000
const FAST_READINGS_PER_PAYLOAD = 36
/** Street time that passes before anything is waited for. */
const FAST_STEP_MS = 6 * 3_600_000
/** Sample period at real time. */
const LIVE_SAMPLE_MS = 60_000
const LIVE_TICK_MS = 1_000
/** The street waits while the platform has more of the journal than this before it. */
const BACKLOG_BYTES_MAX = 2 * 1024 * 1024
const BACKLOG_WAIT_MS = 50
const STATUS_FAILURES_MAX = 100
/** The visit of an engineer in street time. */
const VISIT_DELAYS_MS = { accept: 30 * 60_000, travel: 3 * 3_600_000, arrive: 45 * 60_000, repair: 60 * 60_000 }

/** Creates the street; nothing runs before `start`. */
export function createStreet(options: StreetOptions): Street {
  return new LivingStreet(options)
}

class LivingStreet implements Street {
  readonly #options: StreetOptions
  readonly #fleet: MixedFleet
  readonly #desk: ServiceDesk
  /** Street time for the desk: its waits pass as fast as the street's. */
  readonly #streetClock: ManualClock
  #clients: DeviceClients | undefined
  #loop: Promise<void> = Promise.resolve()
  #isStopping = false
  #isLive = false
  #speed = 0
  #readings = 0
  readonly #visits = { named: 0, other: 0, nothing: 0 }
  #confusers: Record<string, number> = {}
  readonly #types: Record<string, number> = {}
  readonly #typeOf: ReadonlyMap<string, string>

  constructor(options: StreetOptions) {
    this.#options = options
    const { shares, seed, weeksBack, faultShare, tenant, clock, log } = options
    const startMs = Math.floor((clock.now() - weeksBack * WEEK_MS) / FAST_SAMPLE_MS) * FAST_SAMPLE_MS
    this.#streetClock = new ManualClock(startMs)
    this.#fleet = createMixedFleet(shares, {
      seed,
      startMs,
      faultShare,
      tenant,
      readingsPerPayload: FAST_READINGS_PER_PAYLOAD,
      onsetSpanMs: 0.6 * weeksBack * WEEK_MS,
      growthScale: 0.4,
      cities: inSummerAt(CITIES, clock.now()),
    })
    this.#typeOf = new Map(this.#fleet.units.map(({ device, type }) => [device, type]))
    for (const { type, units } of shares) this.#types[type.id] = (this.#types[type.id] ?? 0) + units
    this.#desk = createServiceDesk({
      clock: this.#streetClock,
      log,
      truth: (device) => this.#worstFault(device),
      delaysMs: VISIT_DELAYS_MS,
      onStep: ({ order, state, outcome }) => {
        if (state !== 'done' || outcome === undefined) return
        this.#visits[outcome.cause === 'no_fault_found' ? 'nothing' : outcome.cause === order.fault ? 'named' : 'other'] += 1
        this.#fleet.repair(order.device, outcome.cause, this.#fleet.nowMs())
      },
    })
  }

  async start(): Promise<void> {
    const { mqttUrl, httpUrl, apiKey, tenant, log } = this.#options
    const { url } = await this.#desk.start()
    const webhook = await this.#post<{ secret: string }>('/api/v1/webhooks', { url, description: 'service desk of the street' })
    this.#desk.connect({ url: httpUrl, apiKey, secret: webhook.secret })
    const devices = this.#fleet.units.map((unit) => ({ ...registrationOf(unit), tenant, max_age_days: 90 }))
    const created = await this.#post<ReadonlyArray<{ device: string; secret: string }>>('/api/v1/devices', devices)
    const secrets = new Map(created.map(({ device, secret }) => [device, secret]))
    this.#clients = createDeviceClients({
      url: mqttUrl,
      tenant,
      credentials: (device) => ({ username: `${tenant}:${device}`, clientId: `${tenant}:${device}`, password: secrets.get(device) ?? '' }),
    })
    this.#loop = this.#live().catch((cause: unknown) =>
      log.error('the street stands still', { cause: cause instanceof Error ? (cause.stack ?? '') : String(cause) }),
    )
  }

  status(): StreetStatus {
    const truth = this.#fleet.truth()
    const nowMs = this.#fleet.nowMs()
    return {
      nowMs,
      speed: this.#speed,
      isLive: this.#isLive,
      readings: this.#readings,
      units: this.#fleet.devices.length,
      types: this.#types,
      typeOf: this.#typeOf,
      faultsBegun: truth.filter(({ onset_ms }) => onset_ms <= nowMs).length,
      faultsRepaired: truth.filter(({ repaired_ms }) => repaired_ms !== undefined).length,
      webhooks: this.#desk.counts,
      visits: this.#visits,
      confusers: this.#confusers,
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#loop
    await this.#clients?.close()
    await this.#desk.stop()
  }

  async #live(): Promise<void> {
    const { clock } = this.#options
    while (!this.#isStopping && this.#fleet.nowMs() < clock.now() - FAST_SAMPLE_MS) {
      const beganMs = clock.monotonicMs()
      const fromMs = this.#fleet.nowMs()
      await this.#publishUntil(Math.min(fromMs + FAST_STEP_MS, clock.now()))
      await this.#waitForPlatform()
      const speed = (this.#fleet.nowMs() - fromMs) / Math.max(clock.monotonicMs() - beganMs, 1)
      this.#speed = this.#speed === 0 ? speed : 0.8 * this.#speed + 0.2 * speed
    }
    this.#fleet.setSamplePeriod(LIVE_SAMPLE_MS)
    for (const { confuser } of this.#fleet.confusions()) this.#confusers[confuser] = (this.#confusers[confuser] ?? 0) + 1
    this.#isLive = true
    this.#speed = 1
    while (!this.#isStopping) {
      await this.#publishUntil(clock.now())
      await new Promise<void>((resolve) => clock.after(LIVE_TICK_MS, resolve))
    }
  }

  async #publishUntil(untilMs: number): Promise<void> {
    for (const message of this.#fleet.step(untilMs)) {
      await this.#clients?.publish(message.device, 'tele', message.payload)
      this.#readings += message.readings
    }
    this.#streetClock.advance(Math.max(0, this.#fleet.nowMs() - this.#streetClock.now()))
    await this.#desk.idle()
  }

  /** Waits for the platform's own word that it has read what was sent, so that the street does not run away from its diagnoses. */
  async #waitForPlatform(): Promise<void> {
    const { httpUrl, apiKey, clock } = this.#options
    let failures = 0
    while (!this.#isStopping) {
      try {
        const response = await fetch(`${httpUrl}/api/v1/status`, { headers: { authorization: `Bearer ${apiKey}` } })
        const { counts } = (await response.json()) as { counts: Record<string, number> }
        if ((counts.records_behind_bytes ?? 0) < BACKLOG_BYTES_MAX && (counts.windows_pending ?? 0) < this.#fleet.devices.length) return
        failures = 0
      } catch (cause) {
        // A connection that was kept open too long is closed by the platform; only a platform that stays away ends the street.
        failures += 1
        if (failures > STATUS_FAILURES_MAX) throw cause
      }
      await new Promise<void>((resolve) => clock.after(BACKLOG_WAIT_MS, resolve))
    }
  }

  /** What an engineer finds: the fault that has grown furthest, or nothing. */
  #worstFault(device: string): string {
    const nowMs = this.#fleet.nowMs()
    const present = this.#fleet.truth().filter((fault) => fault.device === device && fault.onset_ms <= nowMs && fault.repaired_ms === undefined)
    const grown = (fault: (typeof present)[number]): number =>
      fault.severity_max * Math.min(1, (nowMs - fault.onset_ms) / Math.max(fault.full_ms - fault.onset_ms, 1))
    return present.sort((a, b) => grown(b) - grown(a))[0]?.fault ?? 'no_fault_found'
  }

  async #post<Answer>(path: string, body: unknown): Promise<Answer> {
    const { httpUrl, apiKey } = this.#options
    const response = await fetch(`${httpUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }
}
