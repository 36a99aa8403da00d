/**
 * Water in the tub: inlet, level, soaking, heat and drain, as balances of volume and heat that one wash phase after another moves on.
 * Resistances add as squares of flow; the heater is a resistor behind scale that loses part of its heat by its flange; the pump works
 * against the height of its hose. Sub-steps are the caller's (seconds).
 */
import { DESIGN, KPA_PER_M, type Machine, WATER_J_KG_K } from './physics-design.ts'

/** Flow through screen, valve and regulator at a static pressure, L/min. */
export function inletFlow(machine: Machine, pressureKpa: number): number {
  const drive = Math.sqrt(Math.max(0, pressureKpa) / DESIGN.flowAt_KPA)
  const free = drive / Math.sqrt(1 / machine.valveLpm ** 2 + 1 / machine.screenLpm ** 2)
  if (free <= 0) return 0
  return 1 / Math.sqrt(Math.sqrt(1 / free ** 4 + 1 / DESIGN.regulatorLpm ** 4))
}

/** Flow of the drain pump at a level, L/min; foam takes part of it. */
export function drainFlow(machine: Machine, levelKpa: number, foam: number): number {
  const head = machine.pumpHead_m - machine.hoseHeight_m + levelKpa / KPA_PER_M
  if (head <= 0) return 0
  return Math.sqrt(head / (machine.pumpHead_m / DESIGN.pumpLpm ** 2 + machine.hoseK)) * (1 - foam)
}

/** Current of the pump, A: friction, then what the flow takes; the mains set its magnetisation. */
export function pumpCurrent(machine: Machine, flowLpm: number, mainsV: number): number {
  return (DESIGN.pumpIdle_a * (mainsV / 230) ** 1.5 + machine.pumpFriction_a + DESIGN.pumpPerLpm_a * flowLpm) * Math.sqrt(mainsV / 230)
}

export class Tub {
  /** Water that stands free, and water that the load holds, L. */
  freeL = 0
  absorbedL = 0
  waterC = 20
  /** Water in the floor pan, L. */
  panL = 0

  get levelKpa(): number {
    return (this.freeL / 1000 / DESIGN.waterArea_m2) * KPA_PER_M
  }

  /** Lets water in. */
  fill(litres: number, inletC: number): void {
    if (litres <= 0) return
    const held = this.freeL + this.absorbedL
    this.waterC = (this.waterC * held + inletC * litres) / (held + litres)
    this.freeL += litres
  }

  /** The load takes up water while the drum turns. */
  soak(seconds: number, loadKg: number): void {
    const want = (DESIGN.soakedLKg * loadKg - this.absorbedL) * (1 - Math.exp(-seconds / DESIGN.soakS))
    const taken = Math.max(0, Math.min(this.freeL, want))
    this.freeL -= taken
    this.absorbedL += taken
  }

  /** The spin presses water out. */
  wring(seconds: number, loadKg: number, rpm: number): void {
    const left = loadKg * (DESIGN.spunLKg + (DESIGN.soakedLKg - DESIGN.spunLKg) * Math.max(0, 1 - rpm / 1200))
    const gone = Math.max(0, this.absorbedL - left) * (1 - Math.exp(-seconds / 60))
    this.absorbedL -= gone
    this.freeL += gone
  }

  /** Leaks and a valve that lets by, which run whatever the program does. */
  seep(seconds: number, machine: Machine, inletC: number): void {
    if (machine.leakByLpm > 0) this.fill((machine.leakByLpm * seconds) / 60, inletC)
    if (machine.leakLpm_at_1kpa > 0 && this.freeL > 0) {
      const lost = Math.min(this.freeL, (machine.leakLpm_at_1kpa * Math.sqrt(this.levelKpa) * seconds) / 60)
      this.freeL -= lost
      this.panL += lost
    }
    // The pan dries and seeps to the floor with a time constant of a day.
    if (this.panL > 0) this.panL *= Math.exp(-seconds / 86_400)
  }

  /** Heats by `watt` at the element and loses to the room; gives nothing back, since the caller knows the electric power. */
  heat(seconds: number, machine: Machine, at: { watt: number; loadKg: number; roomC: number }): void {
    const capacity = WATER_J_KG_K * (this.freeL + this.absorbedL) + DESIGN.cottonJ_kg_K * at.loadKg + DESIGN.tubJ_K
    const toWaterK_W = DESIGN.elementK_W + machine.scale_mm / 1000 / (DESIGN.scaleW_m_k * DESIGN.heaterArea_m2)
    // Element: watt = (Te - Tw) / R + (Te - Troom) G, solved for what reaches the water.
    const overWaterK = (at.watt - (this.waterC - at.roomC) * DESIGN.flangeW_K) / (1 / toWaterK_W + DESIGN.flangeW_K)
    const net = (at.watt > 0 ? overWaterK / toWaterK_W : 0) - DESIGN.tubW_K * (this.waterC - at.roomC)
    this.waterC += (net * seconds) / capacity
  }

  /** Pumps out; returns the litres that went. The filter's dam and the hose keep a rest. */
  drain(seconds: number, flowLpm: number, machine: Machine): number {
    const kept = (machine.filterDam_kpa / KPA_PER_M) * DESIGN.waterArea_m2 * 1000
    const gone = Math.max(0, Math.min(this.freeL - kept, (flowLpm * seconds) / 60))
    this.freeL -= gone
    return gone
  }
}
