/** What the tests of the broker share: texts of payloads, waits for events, and a bare socket that speaks MQTT. */
import type { MqttClient } from 'mqtt'
import { generate, type Packet, parser } from 'mqtt-packet'
import type { CreatedDevice } from '../../broker/device-registry.ts'
import type { TestBroker } from './broker-kit.ts'

export const TELE = 'mend/v1/home/ac-1/tele'
export const text = (payload: Uint8Array): string => Buffer.from(payload).toString('utf8')
export const closed = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', () => resolve()))
export const nextMessage = (client: MqttClient): Promise<[topic: string, text: string]> =>
  new Promise((resolve) => client.once('message', (topic, payload) => resolve([topic, text(payload)])))
export const connectBytes = ({ tenant, device, secret }: CreatedDevice): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: `${tenant}:${device}`,
    username: `${tenant}:${device}`,
    password: Buffer.from(secret),
  })

/** A bare socket that collects the packets that it is sent. */
export function rawClient(test: TestBroker): { socket: ReturnType<TestBroker['socket']>; packets: Packet[]; isClosed: () => boolean } {
  const socket = test.socket()
  const packets: Packet[] = []
  const reader = parser()
  let isClosed = false
  reader.on('packet', (packet) => packets.push(packet))
  socket.on('data', (bytes) => reader.parse(bytes))
  socket.on('close', () => {
    isClosed = true
  })
  return { socket, packets, isClosed: () => isClosed }
}
