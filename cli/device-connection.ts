/** One device's MQTT connection as a real client has it: QoS 1, reconnects, and sends again what was not acknowledged. */
import mqtt from 'mqtt'
import { MendlineError } from '#kernel/errors.ts'

export interface DeviceConnection {
  /** Resolves with the PUBACK. */
  publish(topic: string, payload: string): Promise<void>
  end(): Promise<void>
}

export interface DeviceLogin {
  /** Address of the broker, `mqtt://host:port`. */
  readonly url: string
  readonly tenant: string
  readonly device: string
  /** Undefined = anonymous, which only a server in development mode takes. */
  readonly secret: string | undefined
}

const CONNECT_TIMEOUT_MS = 10_000
const RECONNECT_MS = 500

/** Connects, and stays connected until `end`. @throws MendlineError MDL_BROKER_BAD_CREDENTIALS when the first connection fails */
export function connectDevice({ url, tenant, device, secret }: DeviceLogin): Promise<DeviceConnection> {
  const name = `${tenant}:${device}`
  const credentials = secret === undefined ? {} : { username: name, password: secret }
  // Packets that were not acknowledged are kept by the client over a reconnection, whatever `clean` says to the server.
  const timing = { reconnectPeriod: RECONNECT_MS, connectTimeout: CONNECT_TIMEOUT_MS, keepalive: 60 }
  const client = mqtt.connect(url, { clientId: name, ...credentials, ...timing, protocolVersion: 4, clean: true })
  return new Promise((resolve, reject) => {
    const fail = (cause?: Error): void => {
      client.end(true)
      reject(
        new MendlineError(
          'MDL_BROKER_BAD_CREDENTIALS',
          `${url} does not take ${name}${cause === undefined ? '' : `: ${cause.message || cause.name}`}`,
          { cause },
        ),
      )
    }
    const onClose = (): void => fail()
    client.once('error', fail)
    client.once('close', onClose)
    client.once('connect', () => {
      client.off('error', fail)
      client.off('close', onClose)
      client.on('error', (error) => console.error(`${name}: ${error.message}; trying again`))
      resolve({
        publish: async (topic, payload) => {
          await client.publishAsync(topic, payload, { qos: 1 })
        },
        end: () => client.endAsync(),
      })
    })
  })
}
