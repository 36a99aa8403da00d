import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { MendlineError } from '#kernel/errors.ts'
import { Rpc } from './rpc.ts'

const channels: MessageChannel[] = []

function twoEnds(): { here: Rpc; there: Rpc } {
  const channel = new MessageChannel()
  channels.push(channel)
  return { here: new Rpc(channel.port1), there: new Rpc(channel.port2) }
}

afterEach(() => {
  for (const channel of channels.splice(0)) channel.port1.close()
})

describe('Rpc', () => {
  it('answers a call with the value of its handler', async () => {
    const { here, there } = twoEnds()
    there.handle('double', (value: number) => value * 2)
    expect(await here.call('double', 21)).toBe(42)
  })

  it('carries an error of the world with its code', async () => {
    const { here, there } = twoEnds()
    there.handle('fail', () => {
      throw new MendlineError('MDL_STORE_UNAVAILABLE', 'gone', { retryable: true, details: { file: 'x' } })
    })
    await expect(here.call('fail')).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: true, details: { file: 'x' } })
  })

  it('streams more items than one chunk holds, in order', async () => {
    const { here, there } = twoEnds()
    there.handleStream('count', async function* (upTo: number) {
      for (let value = 0; value < upTo; value++) yield value
    })
    const seen: number[] = []
    for await (const value of here.stream<number>('count', 1234)) seen.push(value)
    expect(seen).toEqual(Array.from({ length: 1234 }, (_, index) => index))
  })

  it('ends the producer when the reader leaves early', async () => {
    const { here, there } = twoEnds()
    let hasEnded = false
    there.handleStream('count', async function* () {
      try {
        for (let value = 0; ; value++) yield value
      } finally {
        hasEnded = true
      }
    })
    for await (const value of here.stream<number>('count', undefined)) if (value === 3) break
    expect(hasEnded).toBe(true)
  })

  it('fails open and later calls when the other side has ended', async () => {
    const { here, there } = twoEnds()
    there.handle('wait', () => new Promise(() => {}))
    const open = here.call('wait')
    here.close(new Error('worker ended'))
    await expect(open).rejects.toThrow('worker ended')
    await expect(here.call('wait')).rejects.toThrow('worker ended')
  })
})
