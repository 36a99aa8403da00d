/** `node eval/peers/hivemq.ts`: the shared subscription's contract against HiveMQ CE from Maven Central. Not part of `npm test`. */
import { startHivemq } from './hivemq-server.ts'
import { runSuite } from './run-suite.ts'

await runSuite('eval/peers/hivemq.suite.ts', startHivemq)
