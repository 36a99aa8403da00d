/**
 * The baseline: tickets counted by batch and fault in a u-chart (Montgomery, "Introduction to Statistical Quality Control", 7.3), as service
 * desks do it: each month the tickets a unit of a batch against the mean of all batches; a point above the limit flags it. Age is not seen.
 */
import type { CohortUnit, FirstFault } from '../../models/cohorts.ts'

const DAY_MS = 86_400_000
const MONTH_DAYS = 30

export interface TicketFlag {
  readonly batch: string
  readonly fault: string
  /** End of the month. */
  readonly at_ms: number
}

/** First flag of each batch and fault, with limits of so many standard deviations. */
export function ticketFlags(
  { units, tickets }: { readonly units: readonly CohortUnit[]; readonly tickets: readonly FirstFault[] },
  { startMs, days, sigmas }: { readonly startMs: number; readonly days: number; readonly sigmas: number },
): TicketFlag[] {
  const batchOf = new Map(units.map(({ device, batch }) => [device, batch ?? '']))
  const sizes = new Map<string, number>()
  for (const batch of batchOf.values()) sizes.set(batch, (sizes.get(batch) ?? 0) + 1)
  const counts = new Map<string, number>()
  for (const { device, fault, at_ms } of tickets) {
    const key = `${Math.floor((at_ms - startMs) / MONTH_DAYS / DAY_MS)}/${batchOf.get(device)}/${fault}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const flags = new Map<string, TicketFlag>()
  const faults = [...new Set(tickets.map(({ fault }) => fault))].sort()
  for (let month = 0; (month + 1) * MONTH_DAYS <= days; month++) {
    for (const fault of faults) {
      const all = [...sizes.keys()].reduce((sum, batch) => sum + (counts.get(`${month}/${batch}/${fault}`) ?? 0), 0)
      const mean = all / units.length
      for (const [batch, size] of sizes) {
        const count = counts.get(`${month}/${batch}/${fault}`) ?? 0
        const isAbove = count >= 2 && count / size > mean + sigmas * Math.sqrt(mean / size)
        const key = `${batch}/${fault}`
        if (isAbove && !flags.has(key)) flags.set(key, { batch, fault, at_ms: startMs + (month + 1) * MONTH_DAYS * DAY_MS })
      }
    }
  }
  return [...flags.values()]
}
