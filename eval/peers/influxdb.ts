/** `node eval/peers/influxdb.ts`: builds InfluxDB 2 once and runs the reading store's contract suite against it. Not part of `npm test`. */
import { startInfluxdb } from './influxdb-server.ts'
import { runSuite } from './run-suite.ts'

await runSuite('eval/peers/influxdb.suite.ts', startInfluxdb)
