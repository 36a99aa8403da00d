/**
 * The way from the devices to the platform, seeded: messages are lost, delayed, doubled and overtaken, homes lose their line for hours
 * and send what they kept afterwards, and clocks drift and jump. It turns messages of a fleet into deliveries in order of arrival; a
 * device that sends by QoS 1 sends again until it is acknowledged, so nothing is lost there but much comes twice or late.
 * Memory is bounded by what is on the way: messages of the longest line failure.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import type { ConfuserSpan, Confusion } from './confusers.ts'
import type { FleetMessage } from './fleet.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export interface NetworkOptions {
  readonly seed: string
  readonly startMs: number
  /** `duplicate_late` doubles, delays and overtakes far beyond the usual; `clock_jump` moves clocks. */
  readonly confusion: Confusion
  /** Share of sendings that never arrive; 0.01 when not given. */
  readonly lossShare?: number
  /** 1 = the device sends again until it is acknowledged (at least once); 0 = each is sent once. */
  readonly qos?: 0 | 1
}

export interface Delivery extends FleetMessage {
  /** When the platform receives it. */
  readonly arrivesMs: number
  /** Which sending of the message arrived: 1 = the first; more after a loss, of which a doubled one is another. */
  readonly sending: number
  readonly isDuplicate: boolean
}

/** What the network did, for the truth. */
export interface NetworkCounts {
  sent: number
  lost: number
  doubled: number
  delivered: number
  /** Delivered more than a minute after they were made. */
  late: number
  /** Delivered after a later message of the same device. */
  overtaken: number
}

export interface Network {
  /** Deliveries of the messages, in order of arrival up to the time of the last message; `flush` gives the rest. */
  carry(messages: Iterable<FleetMessage>): Generator<Delivery>
  /** What is still on the way. */
  flush(): Delivery[]
  readonly counts: Readonly<NetworkCounts>
  /** Jumps and drifts of clocks, and stretches in which a home had no line. */
  spans(devices: readonly string[], untilMs: number): ConfuserSpan[]
}

/** A device waits for its acknowledgement for so long before it sends again. */
const RESEND_MS = 20_000
const RESENDS_MAX = 10_000
/** Usual delay: median and spread of a lognormal, ms. */
const DELAY_MS = 180
const DELAY_SPREAD = 0.9
/** Under `duplicate_late`: share of messages that come twice, share that lies for minutes to hours, share of days with a line failure. */
const DOUBLE_SHARE = 0.04
const LIE_SHARE = 0.02
const LIE_MS: readonly [number, number] = [60_000, 4 * HOUR_MS]
const LINE_DOWN_SHARE = 0.06
const USUAL_DOUBLE_SHARE = 0.001
/** Under `clock_jump`: drift in ppm, and share of device-days with a jump. */
const DRIFT_PPM = 60
const JUMP_SHARE = 0.02
const JUMPS_MS = [-HOUR_MS, HOUR_MS, -90_000, 240_000, -15 * 60_000] as const
const JUMP_LASTS_MS: readonly [number, number] = [0.5 * HOUR_MS, 8 * HOUR_MS]

interface Line {
  readonly random: Random
  readonly driftPpm: number
  latestMadeMs: number
}

export function createNetwork(options: NetworkOptions): Network {
  return new SeededNetwork(options)
}

class SeededNetwork implements Network {
  readonly counts: NetworkCounts = { sent: 0, lost: 0, doubled: 0, delivered: 0, late: 0, overtaken: 0 }
  readonly #options: Required<NetworkOptions>
  readonly #lines = new Map<string, Line>()
  readonly #onTheWay = new ArrivalHeap()
  /** Time of the latest message; one that was made before it and comes after it leaves now. */
  #nowMs = 0

  constructor(options: NetworkOptions) {
    this.#options = { lossShare: 0.01, qos: 1, ...options }
  }

  *carry(messages: Iterable<FleetMessage>): Generator<Delivery> {
    for (const message of messages) {
      this.#send(message)
      this.#nowMs = Math.max(this.#nowMs, message.atMs)
      yield* this.#arrivedBy(this.#nowMs)
    }
  }

  flush(): Delivery[] {
    return [...this.#arrivedBy(Number.POSITIVE_INFINITY)]
  }

  spans(devices: readonly string[], untilMs: number): ConfuserSpan[] {
    const { startMs } = this.#options
    return devices.flatMap((device) => {
      const found: ConfuserSpan[] = []
      for (let day = Math.floor(startMs / DAY_MS); day * DAY_MS < untilMs; day++) {
        const jump = this.#jumpOf(device, day)
        const scope = { scope: 'device' as const, name: device }
        if (jump !== undefined)
          found.push({ confuser: 'clock_jump', ...scope, from_ms: jump.fromMs, to_ms: jump.toMs, size: jump.byMs / 1000, unit: 's' })
        const down = this.#downOf(device, day)
        if (down !== undefined)
          found.push({
            confuser: 'duplicate_late',
            ...scope,
            from_ms: down.fromMs,
            to_ms: down.toMs,
            size: (down.toMs - down.fromMs) / 1000,
            unit: 's',
          })
      }
      return found.filter(({ from_ms, to_ms }) => to_ms > startMs && from_ms < untilMs)
    })
  }

  #lineOf(device: string): Line {
    const known = this.#lines.get(device)
    if (known !== undefined) return known
    const random = createRandom(`${this.#options.seed}/line/${device}`)
    const drifts = this.#options.confusion.has('clock_jump')
    const line = { random, driftPpm: drifts ? random.normal(0, DRIFT_PPM) : 0, latestMadeMs: 0 }
    this.#lines.set(device, line)
    return line
  }

  #send(made: FleetMessage): void {
    const { confusion, lossShare, qos } = this.#options
    const line = this.#lineOf(made.device)
    const { random } = line
    const message = this.#asClocked(made, line)
    let leavesMs = Math.max(made.atMs, this.#nowMs)
    let hasArrived = false
    const down = this.#downOf(made.device, Math.floor(made.atMs / DAY_MS))
    if (down !== undefined && leavesMs >= down.fromMs && leavesMs < down.toMs) leavesMs = down.toMs
    if (random.uniform() < LIE_SHARE * confusion.rate && confusion.has('duplicate_late')) leavesMs += random.between(LIE_MS[0], LIE_MS[1])
    for (let sending = 1; sending <= RESENDS_MAX; sending++) {
      this.counts.sent += 1
      if (!random.chance(lossShare)) {
        if (hasArrived) this.counts.doubled += 1
        hasArrived = true
        this.#arrive(message, { line, leavesMs, madeMs: made.atMs, sending })
        // The acknowledgement can be lost as well; then the device sends what had arrived.
        if (qos === 0 || !random.chance(lossShare)) return
      } else {
        this.counts.lost += 1
        if (qos === 0) return
      }
      leavesMs += RESEND_MS
    }
  }

  #arrive(message: FleetMessage, { line, leavesMs, madeMs, sending }: { line: Line; leavesMs: number; madeMs: number; sending: number }): void {
    const { random } = line
    const { confusion } = this.#options
    const doubles = confusion.has('duplicate_late') ? DOUBLE_SHARE * confusion.rate : USUAL_DOUBLE_SHARE
    const copies = random.chance(Math.min(0.5, doubles)) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const arrivesMs = Math.round(leavesMs + DELAY_MS * Math.exp(random.normal(0, DELAY_SPREAD)) + copy * random.between(50, 30_000))
      if (copy > 0) this.counts.doubled += 1
      if (arrivesMs - madeMs > 60_000) this.counts.late += 1
      this.#onTheWay.push({ ...message, arrivesMs, sending, isDuplicate: copy > 0 }, madeMs)
    }
  }

  *#arrivedBy(timeMs: number): Generator<Delivery> {
    for (;;) {
      const next = this.#onTheWay.peek()
      if (next === undefined || next.delivery.arrivesMs > timeMs) return
      this.#onTheWay.pop()
      const line = this.#lineOf(next.delivery.device)
      if (next.madeMs < line.latestMadeMs) this.counts.overtaken += 1
      line.latestMadeMs = Math.max(line.latestMadeMs, next.madeMs)
      this.counts.delivered += 1
      yield next.delivery
    }
  }

  /** The message as a device writes it whose clock drifts or has jumped: each `ts` inside is moved. */
  #asClocked(message: FleetMessage, line: Line): FleetMessage {
    if (!this.#options.confusion.has('clock_jump')) return message
    const jump = this.#jumpOf(message.device, Math.floor(message.atMs / DAY_MS))
    const jumped = jump !== undefined && message.atMs >= jump.fromMs && message.atMs < jump.toMs ? jump.byMs : 0
    // A clock is set by the network once a day; in between it drifts.
    const byMs = Math.round(jumped + (line.driftPpm * (message.atMs % DAY_MS)) / 1e6)
    if (byMs === 0) return message
    return { ...message, payload: message.payload.replace(/"ts":(\d+)/g, (_all, ts: string) => `"ts":${Number(ts) + byMs}`) }
  }

  #jumpOf(device: string, day: number): { fromMs: number; toMs: number; byMs: number } | undefined {
    const { seed, confusion } = this.#options
    if (!confusion.has('clock_jump')) return undefined
    const random = createRandom(`${seed}/clock/${device}/${day}`)
    if (!random.chance(Math.min(1, JUMP_SHARE * confusion.rate))) return undefined
    const fromMs = day * DAY_MS + random.between(0, 14 * HOUR_MS)
    return { fromMs, toMs: fromMs + random.between(JUMP_LASTS_MS[0], JUMP_LASTS_MS[1]), byMs: random.pick(JUMPS_MS) }
  }

  #downOf(device: string, day: number): { fromMs: number; toMs: number } | undefined {
    const { seed, confusion } = this.#options
    if (!confusion.has('duplicate_late')) return undefined
    const random = createRandom(`${seed}/down/${device}/${day}`)
    if (!random.chance(Math.min(1, LINE_DOWN_SHARE * confusion.rate))) return undefined
    const fromMs = day * DAY_MS + random.between(0, 18 * HOUR_MS)
    return { fromMs, toMs: fromMs + random.between(0.3 * HOUR_MS, 5 * HOUR_MS) }
  }
}

interface OnTheWay {
  readonly delivery: Delivery
  readonly madeMs: number
  readonly order: number
}

/** A binary heap by arrival; equal arrivals stay in the order of sending. */
class ArrivalHeap {
  readonly #items: OnTheWay[] = []
  #order = 0

  peek(): OnTheWay | undefined {
    return this.#items[0]
  }

  push(delivery: Delivery, madeMs: number): void {
    const items = this.#items
    const item = { delivery, madeMs, order: this.#order++ }
    let place = items.length
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = items[parent]
      if (above === undefined || !isBefore(item, above)) break
      items[place] = above
      place = parent
    }
    items[place] = item
  }

  pop(): void {
    const items = this.#items
    const last = items.pop()
    if (last === undefined || items.length === 0) return
    let place = 0
    for (;;) {
      const left = items[2 * place + 1]
      const right = items[2 * place + 2]
      if (left === undefined) break
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (!isBefore(child, last)) break
      items[place] = child
      place = 2 * place + (isRight ? 2 : 1)
    }
    items[place] = last
  }
}

const isBefore = (a: OnTheWay, b: OnTheWay): boolean =>
  a.delivery.arrivesMs < b.delivery.arrivesMs || (a.delivery.arrivesMs === b.delivery.arrivesMs && a.order < b.order)
