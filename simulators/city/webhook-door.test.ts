import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { type DoorEvent, openWebhookDoor, type WebhookDoor } from './webhook-door.ts'

const START_MS = Date.UTC(2025, 5, 1)
const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const opened: WebhookDoor[] = []
afterEach(async () => {
  for (const door of opened.splice(0)) await door.stop()
})

async function openDoor() {
  const events: DoorEvent[] = []
  const door = await openWebhookDoor(new ManualClock(START_MS), (event) => void events.push(event))
  door.connect(secret)
  opened.push(door)
  const post = async (id: string, { at = START_MS, key = secret } = {}): Promise<number> => {
    const body = JSON.stringify({ id, type: 'mendline.test.v1', subject: 's', data: {} })
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': new Webhook(key).sign(id, new Date(at), body),
    }
    return (await fetch(door.url, { method: 'POST', headers, body })).status
  }
  return { door, events, post }
}

describe('the door of the city for webhooks', () => {
  it('takes a signed webhook, and the same id once', async () => {
    const { door, events, post } = await openDoor()
    expect([await post('e1'), await post('e1')]).toEqual([204, 204])
    expect(events.map(({ id }) => id)).toEqual(['e1'])
    expect(door.counts).toEqual({ received: 1, duplicates: 1, refused: 0 })
  })

  it("refuses another secret and a time that is not the city's", async () => {
    const { door, events, post } = await openDoor()
    expect(await post('e1', { key: `whsec_${Buffer.alloc(24, 8).toString('base64')}` })).toBe(401)
    expect(await post('e2', { at: START_MS - 3_600_000 })).toBe(401)
    expect(events).toEqual([])
    expect(door.counts.refused).toBe(2)
  })
})
