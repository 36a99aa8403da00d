/** A device of the crash tests: publishes numbered readings at QoS 1 through a real MQTT client, over every break of the connection, and remembers which were acknowledged. */
import mqtt from 'mqtt'

export interface Sent {
  readonly seq: number
  readonly ts: number
}

export interface CrashDeviceOptions {
  readonly device: string
  readonly secret: string
  readonly mqttPort: number
  readonly messagesPerS: number
  /** Called at each PUBACK. */
  readonly onAcknowledged: () => void
}

const IN_FLIGHT_MAX = 20
const TICK_MS = 20

export class CrashDevice {
  readonly name: string
  readonly sent: Sent[] = []
  readonly acknowledged = new Set<number>()
  /** PUBACKs of all publishes, resent ones too. */
  acknowledgements = 0
  /** Times from publish to PUBACK. */
  readonly waitsMs: number[] = []
  readonly #options: CrashDeviceOptions
  readonly #client: mqtt.MqttClient
  #inFlight = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: CrashDeviceOptions) {
    this.name = options.device
    this.#options = options
    const login = `home:${options.device}`
    this.#client = mqtt.connect({
      host: '127.0.0.1',
      port: options.mqttPort,
      protocolVersion: 4,
      clientId: login,
      username: login,
      password: options.secret,
      clean: true,
      reconnectPeriod: 50,
      connectTimeout: 2_000,
    })
    // Connections break by design here; the client connects again by itself.
    this.#client.on('error', () => {})
  }

  /** Publishes new readings at the given rate until `pause`. */
  run(): void {
    let due = 0
    this.#timer = setInterval(() => {
      due = Math.min(due + (this.#options.messagesPerS * TICK_MS) / 1_000, IN_FLIGHT_MAX)
      for (; due >= 1 && this.#inFlight < IN_FLIGHT_MAX; due--) this.#publishNext()
    }, TICK_MS)
  }

  pause(): void {
    clearInterval(this.#timer)
  }

  /** Publishes everything once more, acknowledged or not; resolves when each has its PUBACK. */
  async resendAll(): Promise<void> {
    for (let first = 0; first < this.sent.length; first += IN_FLIGHT_MAX) {
      await Promise.all(this.sent.slice(first, first + IN_FLIGHT_MAX).map((sent) => this.#publish(sent)))
    }
  }

  end(): Promise<void> {
    this.pause()
    return this.#client.endAsync(true)
  }

  #publishNext(): void {
    const sent = { seq: this.sent.length + 1, ts: Date.now() }
    this.sent.push(sent)
    this.#publish(sent).catch(() => {})
  }

  #publish({ seq, ts }: Sent): Promise<void> {
    const payload = JSON.stringify({ ts, seq, boot: 1, v: { power_w: powerOf(seq), room_temperature_c: 20 + (seq % 100) / 10 } })
    this.#inFlight++
    const begunMs = performance.now()
    return new Promise((resolve, reject) => {
      this.#client.publish(`mend/v1/home/${this.name}/tele`, payload, { qos: 1 }, (error) => {
        this.#inFlight--
        if (error !== undefined && error !== null) return reject(error)
        this.acknowledged.add(seq)
        this.waitsMs.push(performance.now() - begunMs)
        this.acknowledgements++
        this.#options.onAcknowledged()
        resolve()
      })
    })
  }
}

/** Value that a reading of this number carries, so that a stored row can be told from another. */
export const powerOf = (seq: number): number => seq % 6_000
