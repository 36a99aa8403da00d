/** Where lead goes: each step from the first doubt to the alert, in days before the customer notices, and what was never reached. */
import { describe, expect, it } from 'vitest'
import { pump } from '../../models/test-builders.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { DAY_MS } from './dataset.ts'
import { leadLines, leadTimes } from './lead-times.ts'
import type { PlainUnit } from './settle-filter.ts'

const classes = ['no_fault', 'K-01', 'K-02']
const START = 1_000 * DAY_MS
/** K-01 from day 20 on; severity 0.6, at which the customer notices, is reached on day 50. */
const truth: FaultTruth = {
  device: 'd',
  fault: 'K-01',
  onset_ms: START + 20 * DAY_MS,
  full_ms: START + 70 * DAY_MS,
  severity_max: 1,
  repaired_ms: undefined,
}

/** A window a day; probabilities by the day on which it ends. */
function unitOf(device: string, say: (day: number) => number[], truths: readonly FaultTruth[] = [truth]): PlainUnit {
  const judgements = Array.from({ length: 80 }, (_, index) => {
    const window = { from_ms: START + index * DAY_MS, to_ms: START + (index + 1) * DAY_MS } as PlainUnit['judgements'][number]['window']
    return { window, probabilities: say(index + 1), distance: 1 }
  })
  return { unit: { seed: 's', device, windows: judgements.map(({ window }) => window), truths, weeks: 80 / 7 }, judgements }
}
const use = { classes, filter: { accumulation: undefined, agree: 2 }, threshold: 0.8, unknownDistance: 9 }
/** In doubt on day 25, first on day 30 but for day 33, told from day 40 on. */
const grows = (day: number): number[] => {
  if (day < 25) return [0.9, 0.05, 0.05]
  if (day < 30 || day === 33) return [0.4, 0.2, 0.4]
  return day < 40 ? [0.3, 0.6, 0.1] : [0.1, 0.85, 0.05]
}

describe('leadTimes', () => {
  it('says of each step how many days before the customer notices it was reached', () => {
    const [lead] = leadTimes(pump, [unitOf('d', grows)], use)
    expect(lead).toEqual({ fault: 'K-01', days: { onset: 30, doubted: 25, first: 20, steady: 16, told: 9, at_budget: 9 } })
  })

  it('says what was never reached', () => {
    const [lead] = leadTimes(pump, [unitOf('d', () => [0.9, 0.05, 0.05])], use)
    expect(lead?.days).toEqual({ onset: 30, doubted: undefined, first: undefined, steady: undefined, told: undefined, at_budget: undefined })
  })

  it('tells what is held back by the budget from what is told', () => {
    // Sound units say the same as surely, far oftener than the budget allows.
    const sound = Array.from({ length: 10 }, (_, index) => unitOf(`s${index}`, (day) => (day < 60 ? [0.9, 0.05, 0.05] : [0.05, 0.9, 0.05]), []))
    const [lead] = leadTimes(pump, [unitOf('d', grows), ...sound], use)
    expect(lead?.days).toMatchObject({ told: 9, at_budget: undefined })
  })

  it('leaves out faults that no customer notices', () => {
    expect(leadTimes(pump, [unitOf('d', grows, [{ ...truth, severity_max: 0.5 }])], use)).toEqual([])
  })
})

describe('leadLines', () => {
  it('gives a line a fault and one for all, with never for what most units never reach', () => {
    const leads = leadTimes(pump, [unitOf('d', grows), unitOf('e', () => [0.9, 0.05, 0.05]), unitOf('f', () => [0.9, 0.05, 0.05])], use)
    const [one, all] = leadLines(leads)
    expect(one).toBe(all?.replace('all', 'K-01'))
    expect(one).toMatch(/^K-01: 3; onset 30.0 \(30.0 to 30.0\), doubted never \(never to 25.0\)/)
  })
})
