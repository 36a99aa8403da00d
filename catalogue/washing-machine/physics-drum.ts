/**
 * The drum on its suspension: what unbalance shakes, what bearings brake, what the motor draws. The tub is one mass on spring and damper
 * that a rotating unbalance drives: X = m e w^2 / sqrt((k - M w^2)^2 + (c w)^2) (Den Hartog, Mechanical Vibrations; far above resonance
 * m e / M). Friction is that of rolling bearings, M = mu P d / 2 (SKF, Koyo), plus seal, belt and windage. Pure functions.
 */
import { DESIGN, type Machine } from './physics-design.ts'

const GRAVITY = 9.81
/** Share of the acceleration that a foot without contact adds at severity 1 (EJ): the cabinet rocks, most below 300 rpm. */
const ROCKING_SLOW = 1.1
const ROCKING_FAST = 0.45

export const radPerS = (rpm: number): number => (rpm * Math.PI) / 30

/** What turns: mass of load with its water, and the unbalance, kg. */
export interface Turning {
  readonly wetKg: number
  readonly unbalanceKg: number
}

/** RMS acceleration that the unbalance gives the tub at a speed, m/s2. */
export function unbalanceAcceleration(machine: Machine, turning: Turning, rpm: number): number {
  const omega = radPerS(rpm)
  const mass = DESIGN.tub_kg + turning.wetKg
  const stiffness = machine.spring_n_m - mass * omega * omega
  const amplitude = (turning.unbalanceKg * DESIGN.drumRadius_m * omega * omega) / Math.hypot(stiffness, machine.damping_n_s_m * omega)
  const rocking = 1 + machine.rocking * (rpm < 300 ? ROCKING_SLOW : ROCKING_FAST)
  return (amplitude * omega * omega * rocking) / Math.SQRT2
}

/** Largest RMS acceleration between rest and 250 rpm, m/s2: on the way up every speed is passed, the resonance among them. */
export function rampAcceleration(machine: Machine, turning: Turning): number {
  let largest = 0
  for (let rpm = 100; rpm <= 250; rpm += 10) largest = Math.max(largest, unbalanceAcceleration(machine, turning, rpm))
  return largest
}

/** RMS acceleration in the band of harmonics 5 to 20 of the drum, m/s2. */
export function bearingAcceleration(machine: Machine, turning: Turning, rpm: number): number {
  const usual = GRAVITY * 24 + 0.25 * DESIGN.drumRadius_m * radPerS(1200) ** 2
  return machine.bearingBand_m_s2 * (rpm / 1200) ** 2 * Math.sqrt(bearingLoad(turning, radPerS(rpm)) / usual)
}

/** Weight of drum and load plus the unbalance, which the bearings turn with, N. */
function bearingLoad(turning: Turning, omega: number): number {
  return GRAVITY * (14 + turning.wetKg) + turning.unbalanceKg * DESIGN.drumRadius_m * omega * omega
}

/** Torque of bearings, seal and belt without windage, N m. */
export function frictionTorque(machine: Machine, turning: Turning, omega: number): number {
  const bearings = 0.5 * DESIGN.bearingMu * machine.bearingFactor * bearingLoad(turning, omega) * DESIGN.bearing_m
  return bearings + machine.sealTorque_n_m
}

/** Motor current at constant speed, A. Below 70 rpm the load is lifted and falls. The inverter draws the same power at any mains. */
export function motorCurrent(machine: Machine, turning: Turning, at: { rpm: number; mainsV: number }): number {
  if (at.rpm <= 0) return 0
  const omega = radPerS(at.rpm)
  const lifted = at.rpm < 70 ? 0.35 * turning.wetKg * GRAVITY * DESIGN.drumRadius_m : 0
  const torque = frictionTorque(machine, turning, omega) + machine.windage_n_m_s2 * omega * omega + lifted
  return DESIGN.motorIdle_a + (torque * omega) / (machine.motorEfficiency * at.mainsV)
}

/** Time from a speed to rest with the motor off, s: J dw/dt = -(M + k w^2), solved down to 1 rad/s with the friction of half speed. */
export function coastDown(machine: Machine, turning: Turning, rpm: number): number {
  const omega = radPerS(rpm)
  const inertia = DESIGN.drum_kg_m2 + 0.7 * turning.wetKg * DESIGN.drumRadius_m ** 2
  const friction = frictionTorque(machine, turning, omega / 2)
  const root = Math.sqrt(machine.windage_n_m_s2 / friction)
  return (inertia / Math.sqrt(friction * machine.windage_n_m_s2)) * (Math.atan(omega * root) - Math.atan(root))
}
