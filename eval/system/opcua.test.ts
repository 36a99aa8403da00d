import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { type Log, silentLog } from '#kernel/log.ts'
import type { QuarantineEntry } from '#kernel/reading.ts'
import { listEndpoints } from '../../broker/gateways/opcua-client.ts'
import { createOpcuaGateway, type OpcuaGateway } from '../../broker/gateways/opcua-gateway.ts'
import { createOpcuaPki, type OpcuaPki } from '../../broker/gateways/opcua-pki.ts'
import type { OpcuaServerSettings } from '../../broker/gateways/opcua-settings.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createHeatPumpServer, HEAT_PUMP_NAMESPACE, type HeatPumpServer } from '../../simulators/opcua-heat-pump.ts'
import { Wire } from './cuttable-wire.ts'
import { CHANNELS, heatPump, rule } from './opcua-plant.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-opcua-'))
let server: HeatPumpServer
let serverPort = 0
let wire: Wire
let wirePort = 0
let pki: OpcuaPki

let accepted: AcceptedMessage[] = []
let gateways: OpcuaGateway[] = []
let isJournalFull = false
let logged: Array<readonly [string, Readonly<Record<string, unknown>>]> = []
const log: Log = {
  ...silentLog,
  warn: (message, fields = {}) => void logged.push([message, fields]),
  error: (message, fields = {}) => void logged.push([message, fields]),
}

const settings = (changes: Partial<OpcuaServerSettings> = {}): OpcuaServerSettings => ({
  name: 'plant',
  url: `opc.tcp://127.0.0.1:${wirePort}`,
  tenant: 'home',
  securityPolicy: 'Basic256Sha256',
  securityMode: 'SignAndEncrypt',
  user: { kind: 'anonymous' },
  samplingMs: 0,
  publishingMs: 50,
  queueSize: 1_000,
  nodes: [],
  rules: [rule],
  ...changes,
})
const startGateway = (
  name: string,
  changes: Partial<OpcuaServerSettings> = {},
  other: { readonly pki?: OpcuaPki; readonly limits?: object } = {},
): OpcuaGateway => {
  const gateway = createOpcuaGateway(settings({ name, ...changes }), {
    find: (_tenant, device) => ({ type: device === 'plant-HP9' ? '' : 'heat_pump', max_age_days: 30, revoked_at_ms: null }),
    accept: async (message) => {
      if (isJournalFull) throw new Error('the journal is full')
      accepted.push(message)
    },
    pki: other.pki ?? pki,
    folder,
    clock: systemClock,
    log,
    limits: { ...limits, opcuaRetryMs: 50, ...other.limits },
  })
  gateways.push(gateway)
  gateway.start()
  return gateway
}
const until = async (what: string, holds: () => boolean, ms = 20_000): Promise<void> => {
  const endMs = performance.now() + ms
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}; ${JSON.stringify(logged.slice(-5))}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Told {
  readonly device: string
  readonly ms: number
  readonly hist: boolean
  readonly key: string
  readonly value: number | string
}

/** All readings of a channel, duplicates by key left out as the pipeline leaves them out. */
const readingsOf = (name: string, device = 'plant-HP1'): Told[] => {
  const column = CHANNELS.filter(({ kind }) => kind !== 'text').findIndex((one) => one.name === name)
  const all = accepted.filter((message) => message.device === device).flatMap((message) => decodeMessage(message, heatPump, limits).readings)
  const told = all.flatMap(({ observed_at_ms: ms, hist, boot, seq, numbers, texts }) => {
    const value = column < 0 ? texts.find(([channelName]) => channelName === name)?.[1] : numbers[column]
    return value === undefined || Number.isNaN(value) ? [] : [{ device, ms, hist, key: `${boot}/${seq}`, value }]
  })
  return [...new Map(told.map((one) => [one.key, one])).values()]
}
const quarantined = (): QuarantineEntry[] => accepted.flatMap((message) => [...decodeMessage(message, heatPump, limits).quarantine])
const valuesOf = (name: string, device?: string): Array<number | string> => readingsOf(name, device).map(({ value }) => value)

beforeAll(async () => {
  server = createHeatPumpServer({ port: 0, pki: join(folder, 'server-pki'), pumps: ['HP1', 'HP2'], trustsAnybody: true }, { clock: systemClock })
  serverPort = (await server.start()).port
  pki = createOpcuaPki({ folder: join(folder, 'pki'), clock: systemClock })
  await pki.prepare()
  const [endpoint] = await listEndpoints(`opc.tcp://127.0.0.1:${serverPort}`, { pki, timeoutMs: 5_000 })
  pki.trust(endpoint?.serverCertificate ?? new Uint8Array(0))
}, 60_000)

beforeEach(async () => {
  accepted = []
  gateways = []
  logged = []
  isJournalFull = false
  for (const pump of ['HP1', 'HP2']) server.reset(pump)
  wire = new Wire(() => serverPort)
  wirePort = await wire.listen()
})

afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  wire.close()
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('OPC UA gateway', () => {
  it('reads each object of a type as a device, with source time, declared type and the unit converted', async () => {
    startGateway('basic')
    await until('first values', () => valuesOf('supply_temperature_c').length > 0 && valuesOf('supply_temperature_c', 'plant-HP2').length > 0)
    const ms = Date.now()
    server.set('HP1', 'SupplyTemperature', 41.5, { sourceMs: ms })
    server.set('HP1', 'ElectricalPower', 2.25, { sourceMs: ms })
    server.set('HP1', 'OperatingMode', 'cooling', { sourceMs: ms })
    server.set('HP1', 'EnergyCounter', 2 ** 52, { sourceMs: ms })
    await until('the values', () => valuesOf('energy_wh').includes(2 ** 52))
    expect(readingsOf('supply_temperature_c').at(-1)).toMatchObject({ ms, value: 41.5, hist: false })
    expect(readingsOf('electrical_power_w').at(-1)).toMatchObject({ ms, value: 2250 })
    expect(readingsOf('mode').at(-1)).toMatchObject({ ms, value: 'cooling' })
    expect(new Set([readingsOf('supply_temperature_c').at(-1)?.key, readingsOf('mode').at(-1)?.key]).size).toBe(1)
    expect(quarantined()).toEqual([])
  })

  it('keeps out a wrong type, an array, a bad status and a number that no Double holds, each named, and lets the rest through', async () => {
    startGateway('faults')
    await until('first values', () => valuesOf('supply_temperature_c').length > 0)
    server.set('HP1', 'SupplyTemperature', 'hot', { dataType: 'String' })
    server.set('HP1', 'ReturnTemperature', 33, { status: 'BadSensorFailure' })
    server.set('HP1', 'EnergyCounter', 2 ** 53 + 2)
    server.set('HP1', 'ElectricalPower', Number.NaN)
    server.set('HP1', 'OutdoorTemperature', [1, 2])
    server.set('HP1', 'DefrostActive', true)
    await until('all of them', () => valuesOf('defrost_is_on').includes(1) && quarantined().length >= 5)
    const told = quarantined().map(({ code, reason }) => `${code} ${reason.replace(`nsu=${HEAT_PUMP_NAMESPACE};s=HP1.`, '')}`)
    expect(told.sort()).toEqual([
      'MDL_INGEST_VALUE_QUALITY ReturnTemperature: the server says BadSensorFailure',
      'MDL_INGEST_VALUE_TYPE ElectricalPower: the Double NaN is no finite number that a Double holds exactly',
      'MDL_INGEST_VALUE_TYPE EnergyCounter: the Int64 9007199254740994 is no finite number that a Double holds exactly',
      'MDL_INGEST_VALUE_TYPE OutdoorTemperature: declared is Float, it came as Float[]',
      'MDL_INGEST_VALUE_TYPE SupplyTemperature: declared is Double, it came as String',
    ])
    expect(valuesOf('return_temperature_c')).not.toContain(33)
  })

  it('keeps an uncertain value and says from when to when it is uncertain', async () => {
    startGateway('uncertain')
    await until('first values', () => valuesOf('supply_temperature_c').length > 0)
    const ms = Date.now()
    server.set('HP1', 'SupplyTemperature', 42, { status: 'UncertainSensorNotAccurate', sourceMs: ms })
    server.set('HP1', 'SupplyTemperature', 43, { status: 'UncertainSensorNotAccurate', sourceMs: ms + 1 })
    server.set('HP1', 'SupplyTemperature', 44, { sourceMs: ms + 2 })
    await until('the last value', () => valuesOf('supply_temperature_c').includes(44))
    expect(valuesOf('supply_temperature_c').slice(-3)).toEqual([42, 43, 44])
    expect(valuesOf('supply_quality').slice(-3)).toEqual(['UncertainSensorNotAccurate', 'UncertainSensorNotAccurate', 'Good'])
    const told = quarantined().filter(({ observed_at_ms: at }) => at !== undefined && at >= ms)
    expect(told.map(({ code, observed_at_ms: at }) => [code, at])).toEqual([
      ['MDL_INGEST_VALUE_UNCERTAIN', ms],
      ['MDL_INGEST_VALUE_UNCERTAIN', ms + 2],
    ])
  })

  it('has every value once over cut connections', async () => {
    const gateway = startGateway('cut')
    await until('first values', () => valuesOf('supply_temperature_c').length > 0)
    accepted = []
    let next = 1_000
    const change = async (count: number): Promise<void> => {
      for (let step = 0; step < count; step++, next++) {
        server.set('HP1', 'SupplyTemperature', next)
        if (step % 3 === 0) server.set('HP1', 'ReturnTemperature', next)
        await new Promise((resolve) => setTimeout(resolve, 3))
      }
    }
    for (let round = 0; round < 3; round++) {
      await change(50)
      wire.cut()
      await change(100)
      wire.isOpen = true
      await change(100)
    }
    await until('the last value', () => valuesOf('supply_temperature_c').includes(next - 1))
    await until('the queue is empty', () => gateway.statistics().pending === 0)
    const got = (valuesOf('supply_temperature_c') as number[]).sort((a, b) => a - b)
    expect(got).toEqual(Array.from({ length: next - 1_000 }, (_, index) => 1_000 + index))
    expect(quarantined()).toEqual([])
  })

  it('has every value once over restarts of the server, from its history, and tells the hole of a variable without history', async () => {
    const gateway = startGateway('restart')
    await until('first values', () => valuesOf('outdoor_temperature_c').length > 0)
    const before = server
    accepted = []
    server.set('HP1', 'SupplyTemperature', 2_000)
    server.set('HP1', 'OutdoorTemperature', 7)
    await until('the value before', () => valuesOf('supply_temperature_c').includes(2_000) && valuesOf('outdoor_temperature_c').includes(7))
    await before.stop()
    const atMs = Date.now()
    for (let step = 1; step <= 50; step++) server.remember('HP1', 'SupplyTemperature', 2_000 + step, atMs + step)
    await new Promise((resolve) => setTimeout(resolve, 60))
    await server.start()
    server.set('HP1', 'SupplyTemperature', 2_051)
    server.set('HP1', 'OutdoorTemperature', 8)
    await until('the value after', () => valuesOf('supply_temperature_c').includes(2_051) && valuesOf('outdoor_temperature_c').includes(8), 25_000)
    await until('the queue is empty', () => gateway.statistics().pending === 0)
    const got = (valuesOf('supply_temperature_c') as number[]).filter((value) => value >= 2_000).sort((a, b) => a - b)
    expect(got).toEqual(Array.from({ length: 52 }, (_, index) => 2_000 + index))
    expect(readingsOf('supply_temperature_c').filter(({ hist }) => hist).length).toBeGreaterThanOrEqual(50)
    const gaps = quarantined().filter(({ code }) => code === 'MDL_INGEST_GAP')
    expect(gaps.map(({ device }) => device)).toContain('plant-HP1')
    expect(gaps.every(({ reason }) => reason.includes('OutdoorTemperature') && reason.includes('keeps no history'))).toBe(true)
  }, 60_000)

  it('fetches what happened while the gateway was stopped', async () => {
    const first = startGateway('twice')
    await until('first values', () => valuesOf('supply_temperature_c').length > 0)
    server.set('HP1', 'SupplyTemperature', 3_000)
    await until('the value before', () => valuesOf('supply_temperature_c').includes(3_000))
    await first.stop()
    for (let step = 1; step <= 5; step++) {
      server.set('HP1', 'SupplyTemperature', 3_000 + step)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    startGateway('twice')
    await until('the values of the meantime', () => valuesOf('supply_temperature_c').includes(3_005))
    const got = (valuesOf('supply_temperature_c') as number[]).filter((value) => value >= 3_000).sort((a, b) => a - b)
    expect(got).toEqual([3_000, 3_001, 3_002, 3_003, 3_004, 3_005])
  })

  it('leaves values in the queues of the server while the journal is full, and tells what ran over', async () => {
    const gateway = startGateway('full', { queueSize: 100 }, { limits: { opcuaPending_MAX: 1 } })
    await until('first values', () => valuesOf('outdoor_temperature_c').length > 0)
    accepted = []
    isJournalFull = true
    server.set('HP1', 'SupplyTemperature', 4_000)
    await until('the journal refuses', () => Number(gateway.statistics().retries) > 0)
    // More at once than a queue of the server holds, longer than the publishes last that were asked for before.
    const baseMs = Date.now()
    for (let step = 1; step <= 1_800; step++) {
      server.set('HP1', 'SupplyTemperature', 4_000 + step, { sourceMs: baseMs + step })
      server.set('HP1', 'OutdoorTemperature', step, { sourceMs: baseMs + step })
      if (step % 150 === 0) await new Promise((resolve) => setTimeout(resolve, 60))
    }
    expect(Number(gateway.statistics().pending)).toBeLessThan(12)
    isJournalFull = false
    await until('the last value', () => valuesOf('supply_temperature_c').includes(5_800) && valuesOf('outdoor_temperature_c').includes(1_800))
    await until('the history of the overflow', () => new Set(valuesOf('supply_temperature_c')).size >= 1_801)
    expect(valuesOf('supply_temperature_c').length).toBe(1_801)
    expect(Number(gateway.statistics().overflows)).toBeGreaterThan(0)
    expect(quarantined().filter(({ code, reason }) => code === 'MDL_INGEST_GAP' && reason.includes('OutdoorTemperature')).length).toBeGreaterThan(0)
  })

  it('refuses a server that is not trusted, with its fingerprint, and reads it once it is', async () => {
    const strange = createOpcuaPki({ folder: join(folder, 'strange'), clock: systemClock })
    await strange.prepare()
    const gateway = startGateway('strange', {}, { pki: strange })
    await until('the refusal', () => logged.some(([, fields]) => fields.code === 'MDL_OPCUA_UNTRUSTED'))
    expect(accepted).toEqual([])
    const [endpoint] = await listEndpoints(`opc.tcp://127.0.0.1:${serverPort}`, { pki: strange, timeoutMs: 5_000 })
    const { fingerprint } = strange.trust(endpoint?.serverCertificate ?? new Uint8Array(0))
    expect(logged.find(([, fields]) => fields.code === 'MDL_OPCUA_UNTRUSTED')?.[1].fingerprint).toBe(fingerprint)
    await until('values', () => accepted.length > 0)
    expect(gateway.statistics().connected).toBe(1)
  })

  it('names a variable that is not there, and a unit that is another than the mapping says', async () => {
    const node = `nsu=${HEAT_PUMP_NAMESPACE};s=HP1.ReturnTemperature`
    startGateway('named', {
      rules: [],
      nodes: [
        { node, device: 'plant-HP1', channel: 'return_temperature_c', unit: '[degF]' },
        { path: 'Objects/HeatPumps/HP1/SupplyTemperature', device: 'plant-HP1', channel: 'supply_temperature_c', unit: 'c' },
        { path: 'Objects/HeatPumps/HP7', device: 'plant-HP1', channel: 'mode' },
      ],
    })
    await until('values', () => valuesOf('supply_temperature_c').length > 0 && quarantined().length > 0)
    expect(quarantined().map(({ code }) => code)).toEqual(['MDL_INGEST_UNIT'])
    expect(logged.map(([, fields]) => fields.reason)).toContain('Objects/HeatPumps/HP7: there is no HP7')
  })
})
