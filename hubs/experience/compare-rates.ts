/** The difference of two rates with its 95 % interval, by Newcombe's method from the Wilson intervals of both. Pure. */
import type { Compared } from '#kernel/experience.ts'

export interface Counted {
  readonly orders: number
  /** Those among them to which it happened. */
  readonly count: number
}

const Z = 1.959964

/** Compares what was treated with what was held out; without orders in one of them nothing is said. */
export function compareRates(treated: Counted, heldOut: Counted): Compared {
  const [a, b] = [wilson(treated), wilson(heldOut)]
  const groups = { treated: { ...treated, rate: a?.rate ?? null }, held_out: { ...heldOut, rate: b?.rate ?? null } }
  if (a === undefined || b === undefined) return { ...groups, difference: null, low: null, high: null }
  const difference = a.rate - b.rate
  return {
    ...groups,
    difference,
    low: difference - Math.hypot(a.rate - a.low, b.high - b.rate),
    high: difference + Math.hypot(a.high - a.rate, b.rate - b.low),
  }
}

function wilson({ orders, count }: Counted): { readonly rate: number; readonly low: number; readonly high: number } | undefined {
  if (orders === 0) return undefined
  const rate = count / orders
  const scale = 1 + Z ** 2 / orders
  const centre = (rate + Z ** 2 / (2 * orders)) / scale
  const half = (Z / scale) * Math.sqrt((rate * (1 - rate)) / orders + Z ** 2 / (4 * orders ** 2))
  return { rate, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
