/**
 * Real, healthy appliances: `node eval/traces/traces.ts [--data DIR] [--check] [--quick]` (`--quick` changes nothing, it is short). Prints alarms of each
 * device-day, the exact interval, and cycles as counted against counts by hand; `--check` exits 1 when a goal is missed. The last
 * line is JSON.
 */
import { parseArgs } from 'node:util'
import { exactInterval, measureTraces, tracesRows } from './measure-traces.ts'

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const report = measureTraces(flags.data)
if (report === undefined) {
  console.log(`skipped: there is no folder appliance-power-tracebase in ${flags.data}`)
  console.log(JSON.stringify({ eval: 'traces', skipped: true }))
} else {
  const { days, alarms, judgedDays, counts, devices, controlFound } = report
  console.log('| appliance | device | day | steps flagged | alarms |\n|---|---|---|---|---|')
  for (const { kind, device, day, flagged, alarms: raised } of days) console.log(`| ${kind} | ${device} | ${day} | ${flagged} | ${raised} |`)
  const told = (trials: number, hits: number): string =>
    `${hits} of ${trials}, 95 % exact interval ${exactInterval(hits, trials)
      .map((share) => `${(100 * share).toFixed(1)} %`)
      .join(' to ')}`
  const withAlarm = days.filter((day) => day.alarms > 0).length
  console.log(
    `\n${alarms} alarms; days with one: ${told(days.length, withAlarm)}; of the days behind the one learned from: ${told(judgedDays, withAlarm)}`,
  )
  console.log(`control, a stuck motor put into the last day of each device: alarm on ${controlFound} of ${devices}`)
  console.log('\n| day | what | by hand | counted |\n|---|---|---|---|')
  for (const { device, day, what, byHand, counted } of counts) console.log(`| ${device} ${day} | ${what} | ${byHand} | ${counted} |`)
  console.log(JSON.stringify({ eval: 'traces', device_days: days.length, judged_days: judgedDays, alarms, control_found: controlFound, counts }))
  const rows = tracesRows(report)
  if (flags.check && 'length' in rows && rows.some(({ isMet }) => !isMet)) process.exitCode = 1
}
