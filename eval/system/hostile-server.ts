/** Child process for the hostile test: the broker alone, with an `accept` that keeps nothing. It prints port and two logins as one line. */
import { type Limits, limits } from '../../kernel/limits.ts'
import { loginOf, startTestBroker } from '../mqtt-mock/broker-kit.ts'

const given: Partial<Limits> = { connectDeadlineMs: Number(process.argv[2] ?? limits.connectDeadlineMs) }
const test = await startTestBroker({ limits: given, keepsMessages: false })
const healthy = loginOf(await test.createDevice('healthy'))
const attacker = loginOf(await test.createDevice('attacker'))
console.log(JSON.stringify({ mqttPort: test.port, healthy, attacker }))
process.once('SIGTERM', () => void test.stop())
