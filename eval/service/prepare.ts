/**
 * `node eval/service/prepare.ts SEED [UNITS] [DAYS] [THREADS]` simulates the streams of a city beforehand, so that the policies run at once.
 */
import { createCityUnits } from '../../simulators/city/city-units.ts'
import { streamsOf } from './stream-files.ts'
import { jobsOfCity } from './streams.ts'

const [seed = 'city-dev', units = '200', days = '90', threads = '1'] = process.argv.slice(2)
const plan = { seed, units: Number(units), days: Number(days) }
const jobs = jobsOfCity(createCityUnits(plan))
const startedMs = performance.now()
await streamsOf(plan, jobs, Number(threads))
console.log(`${jobs.length} streams in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
