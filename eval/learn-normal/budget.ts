/**
 * `node eval/learn-normal/budget.ts [--units 8] [--days 42] [--seed dev-budget] [--start 2026-04-01] [--check]`: alarms of the learned normal on sound simulated units of
 * types seen as undescribed, per 1,000 unit-weeks, and on the same units with a disturbance put in. The last line is JSON; `--check`
 * exits with 1 above the budget or where no disturbance is found.
 */
import { parseArgs } from 'node:util'
import { limits } from '#kernel/limits.ts'
import { type BudgetRow, measureBudget, VIEWS } from './measure-budget.ts'

const { values: flags } = parseArgs({
  options: {
    units: { type: 'string', default: '8' },
    days: { type: 'string', default: '42' },
    seed: { type: 'string', default: 'dev-budget' },
    start: { type: 'string', default: '2026-04-01' },
    check: { type: 'boolean', default: false },
  },
})
const plan = { units: Number(flags.units), days: Number(flags.days), seed: flags.seed, startMs: Date.parse(flags.start) }
console.log(
  `| sound units as of a type nobody described | units | judged unit-weeks | alarms | steps flagged | off by the range: alarm | flagged | off by half: alarm | flagged |\n${'|---'.repeat(9)}|`,
)
const rows: BudgetRow[] = []
for (const view of VIEWS) {
  const row = measureBudget(view, plan)
  rows.push(row)
  const { name, units, unitWeeks, alarms, flagged, whole, half } = row
  console.log(
    `| ${name} | ${units} | ${unitWeeks.toFixed(1)} | ${alarms} | ${(100 * flagged).toFixed(2)} % | ${[whole, half].map((control) => `${control.alarms} of ${units} | ${control.flagged} of ${units}`).join(' | ')} |`,
  )
}
const total = (pick: (row: BudgetRow) => number): number => rows.reduce((sum, row) => sum + pick(row), 0)
const per1000 = (1_000 * total(({ alarms }) => alarms)) / total(({ unitWeeks }) => unitWeeks)
console.log(
  JSON.stringify({
    ...{ eval: 'learned_normal_budget', data: 'simulated', unit_weeks: total(({ unitWeeks }) => unitWeeks), alarms: total(({ alarms }) => alarms) },
    ...{ alarms_per_1000_unit_weeks: per1000, budget: limits.normalAlertsPer1000UnitWeeks },
    ...{
      disturbed: total(({ units }) => units),
      ...{ range_alarm: total(({ whole }) => whole.alarms), range_flagged: total(({ whole }) => whole.flagged) },
      ...{ half_alarm: total(({ half }) => half.alarms), half_flagged: total(({ half }) => half.flagged) },
    },
  }),
)
if (flags.check && (per1000 > limits.normalAlertsPer1000UnitWeeks || total(({ whole }) => whole.alarms) === 0)) process.exitCode = 1
