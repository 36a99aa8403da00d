/** The suites of the broker once more with every message by Aedes, which is the reference for the fast lane. */
import { laneMode } from '../eval/mqtt-mock/broker-kit.ts'
import './broker.test.ts'
import './broker-limits.test.ts'
import './gateways.test.ts'

laneMode.isOn = false
