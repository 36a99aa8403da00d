/** The room of the second air conditioner: air of one node or with its walls as a second, humidity, window and people. Exact for constant inputs. */
import type { Surroundings } from '#catalogue/plant.ts'
import { saturatedGKg } from './air-conditioner-circuit.ts'
import type { AirConditionerUnit } from './air-conditioner-unit.ts'

export interface Room {
  airC: number
  wallC: number
  humidityGKg: number
}

/** Moves the room on by `seconds` while the unit takes out `sensibleKw` (negative = heats) and `waterGS`. */
export function moveRoom(
  room: Room,
  unit: AirConditionerUnit,
  around: Surroundings,
  taken: { sensibleKw: number; waterGS: number; seconds: number },
): void {
  const { room: built } = unit
  const changesH = built.airChangesH + (around.windowIsOpen ? 5 : 0) + 0.03 * around.windMS
  const airKwK = (built.airKg * changesH * 1.006) / 3600
  const gainsKw = (0.42 * built.glassM2 * around.solarWM2) / 1000 + 0.075 * around.people + 0.06
  const outdoorKwK = airKwK + built.lossKwK
  const wallKwK = built.isTwoNode ? built.wallKwK : 0
  const sum = outdoorKwK + wallKwK
  const settled = (outdoorKwK * around.outdoorC + wallKwK * room.wallC + gainsKw - taken.sensibleKw) / sum
  room.airC = settled + (room.airC - settled) * Math.exp((-sum * taken.seconds) / built.airKjK)
  if (built.isTwoNode) {
    const wallSum = built.wallKwK + built.lossKwK * 0.8
    const wall = (built.wallKwK * room.airC + built.lossKwK * 0.8 * (around.outdoorC + (2.5 * around.solarWM2) / 850)) / wallSum
    room.wallC = wall + (room.wallC - wall) * Math.exp((-wallSum * taken.seconds) / built.wallKjK)
  }
  const flowKgS = (built.airKg * changesH) / 3600
  const water = around.outdoorHumidityGKg + (0.018 * around.people - taken.waterGS) / flowKgS
  room.humidityGKg = water + (room.humidityGKg - water) * Math.exp((-flowKgS * taken.seconds) / (built.airKg * 1.8))
  room.airC = Math.min(48, Math.max(2, room.airC))
  room.humidityGKg = Math.min(saturatedGKg(room.airC), Math.max(1.5, room.humidityGKg))
}
