/** Row of the storm: after a power cut all appliances connect at one moment with their secrets; all must get in, none is refused for good. */
import type { Figure } from './bench-figures.ts'
import { connectAtOnce, type LoadDevice } from './mqtt-load.ts'
import { createDevices, startMendline } from './servers.ts'

const WITHIN_MS = 120_000

/** Starts a platform of its own with default limits; `count` devices over TCP, and over TLS, without and with tickets of an earlier session, where openssl can make a certificate. */
export async function measureStorm(count: number): Promise<Figure[]> {
  const server = await startMendline({}, { withTls: true })
  try {
    const devices = await createDevices(server.httpPort ?? 0, count, 'storm')
    const cpuBefore = server.cpuSeconds()
    const tcp = await connectAtOnce({ port: server.mqttPort, devices, withinMs: WITHIN_MS })
    const cpuMs = ((server.cpuSeconds() - cpuBefore) * 1_000) / count
    const figures: Figure[] = [
      { name: `${count} devices connect at once over TCP, all in after`, value: tcp.seconds, unit: 's', floor: { max: 10 }, goal: 5 },
      { name: 'attempts that were turned away and came again', value: tcp.repeated, unit: '' },
      { name: 'processor time of a login', value: cpuMs, unit: 'ms' },
    ]
    if (server.tlsPort === undefined) return figures
    const tickets = new Map<LoadDevice, Buffer>()
    const overTls = async (name: string): Promise<Figure[]> => {
      // What the storm before left behind is not counted with this one.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const before = server.cpuSeconds()
      const storm = await connectAtOnce({ port: server.tlsPort ?? 0, devices, withinMs: WITHIN_MS, isTls: true, tickets })
      return [
        { name: `the same over TLS${name}`, value: storm.seconds, unit: 's' },
        { name: `attempts over TLS${name} that were turned away and came again`, value: storm.repeated, unit: '' },
        { name: `processor time of a login over TLS${name}`, value: ((server.cpuSeconds() - before) * 1_000) / count, unit: 'ms' },
        { name: `sessions resumed over TLS${name}`, value: storm.resumed, unit: '' },
      ]
    }
    return [...figures, ...(await overTls('')), ...(await overTls(', with tickets'))]
  } finally {
    await server.stop()
  }
}
