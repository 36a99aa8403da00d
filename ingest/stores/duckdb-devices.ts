/** Numbers of devices, their types and firmware versions: given when a batch brings them for the first time. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import type { ReadingRows } from '../reading-rows.ts'
import { appendSources } from './duckdb-append.ts'
import { addDevice, addFirmware, type Registers } from './duckdb-schema.ts'

/** Gives numbers to devices, their types and firmwares that the batch brings for the first time; one insertion a table, however many. */
export async function registerSources(writer: DuckDBConnection, registers: Registers, readings: ReadingRows): Promise<void> {
  const fresh = { devices: [] as DuckDBValue[][], types: [] as DuckDBValue[][], firmwares: [] as DuckDBValue[][] }
  for (const { type, devices, firmwares } of readings.types.values()) {
    for (const { tenant, device } of devices) {
      const name = `${tenant}/${device}`
      let key = registers.deviceKeys.get(name)
      if (key === undefined) {
        key = registers.deviceKeys.size + 1
        fresh.devices.push([key, tenant, device])
        addDevice(registers, key, tenant, device)
      }
      const types = registers.deviceTypes.get(key)
      if (types !== undefined && !types.has(type)) {
        fresh.types.push([key, type])
        types.add(type)
      }
    }
    for (const fw of firmwares) {
      if (registers.firmwareKeys.has(fw)) continue
      const number = registers.firmwareKeys.size + 1
      fresh.firmwares.push([number, fw])
      addFirmware(registers, number, fw)
    }
  }
  await appendSources(writer, 'device_keys', fresh.devices)
  await appendSources(writer, 'device_types', fresh.types)
  await appendSources(writer, 'firmwares', fresh.firmwares)
}
