/** The shared subscription's contract on HiveMQ CE. Run by `eval/peers/hivemq.ts`. */
import { afterAll, beforeAll, describe } from 'vitest'
import { describeSharedGroup } from '../../broker/gateways/shared-subscription.contract.ts'
import { type HivemqServer, startHivemq } from './hivemq-server.ts'

let server: HivemqServer | undefined

describe('with HiveMQ CE', () => {
  beforeAll(async () => {
    const started = await startHivemq()
    if (typeof started === 'string') throw new Error(started)
    server = started
  })
  afterAll(() => server?.stop())

  describeSharedGroup('HiveMQ CE', () => server?.url ?? '')
})
