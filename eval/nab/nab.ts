/**
 * The Numenta Anomaly Benchmark, standard profile: `node eval/nab/nab.ts [--data DIR] [--check] [--quick]`. Prints our score, the baselines on
 * the same series and the score with each category left out of the choice of threshold and rest. `--quick` takes every third series,
 * `--check` exits 1 below the floor. The last line is JSON.
 */
import { parseArgs } from 'node:util'
import { measureNab, NAB_FLOOR } from './measure-nab.ts'

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const report = measureNab(flags.data, flags.quick ? 3 : 1)
if (report === undefined) {
  console.log(`skipped: there is no folder nab in ${flags.data}`)
  console.log(JSON.stringify({ eval: 'nab', skipped: true }))
} else {
  const { own, series, baselines, leftOut, leftOutAll } = report
  console.log(`${series.length} series, ${own.windows} windows: ${own.found} found, ${own.falseAlarms} false alarms`)
  console.log('| detector | score |\n|---|---|')
  console.log(`| learn-normal, single signal | ${own.score.toFixed(1)} |`)
  console.log(`| the same, threshold and rest chosen without the category judged | ${leftOutAll.toFixed(1)} |`)
  for (const [name, score] of baselines) console.log(`| ${name} | ${score.toFixed(1)} |`)
  console.log('\n| category (of its own windows, 100 = perfect) | tuned on all | left out |\n|---|---|---|')
  for (const [category, scores] of leftOut) console.log(`| ${category} | ${scores.own.toFixed(1)} | ${scores.leftOut.toFixed(1)} |`)
  console.log(
    JSON.stringify({ eval: 'nab', series: series.length, score: own.score, left_out: leftOutAll, baselines: Object.fromEntries(baselines) }),
  )
  if (flags.check && own.score < NAB_FLOOR) process.exitCode = 1
}
