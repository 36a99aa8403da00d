/** The contract of the reading store on a real InfluxDB 2, read back by Flux. Run by `eval/peers/influxdb.ts`. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { limits } from '#kernel/limits.ts'
import { describeReadingStore } from '../../ingest/reading-store.contract.ts'
import { createInfluxStore } from '../../ingest/stores/influx-store.ts'
import { createMemoryStore } from '../../ingest/stores/memory-store.ts'
import { type InfluxServer, makeBucket, ORGANISATION, startInfluxdb, TOKEN } from './influxdb-server.ts'

let server: InfluxServer | undefined
let bucket = ''
let buckets = 0

describe('with InfluxDB 2', () => {
  beforeAll(async () => {
    const started = await startInfluxdb()
    if (typeof started === 'string') throw new Error(started)
    server = started
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    bucket = `contract-${buckets++}`
    await makeBucket(server?.url ?? '', bucket)
  })

  describeReadingStore('InfluxDB 2', () =>
    createInfluxStore({
      url: server?.url ?? '',
      language: 'flux',
      token: TOKEN,
      organisation: ORGANISATION,
      bucket,
      side: createMemoryStore(),
      limits,
    }),
  )
})
