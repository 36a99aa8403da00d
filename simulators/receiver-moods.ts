/**
 * The ways in which a receiver of webhooks misbehaves, one list for the sample dispatch system, the evaluation and whoever tries their own
 * set-up: it fails, hangs, sends the sender elsewhere, says yes and breaks off, drips without end, throttles, or is gone. A mood answers one
 * request by itself; what the receiver then holds as taken is the caller's to decide by `isTaken`.
 */
import type { ServerResponse } from 'node:http'

export const RECEIVER_MOODS = ['well', 'fails', 'hangs', 'redirects', 'lies', 'drips', 'throttles', 'gone'] as const
export type ReceiverMood = (typeof RECEIVER_MOODS)[number]

/** Where `redirects` points: link-local, which no sender may ask, unless the caller names a trap of its own. */
const ELSEWHERE = 'http://169.254.169.254/latest/meta-data'

/** Answers in a mood. Gives false for `well`: the caller then takes the event and answers. */
export function misbehave(mood: ReceiverMood, response: ServerResponse, location = ELSEWHERE): boolean {
  switch (mood) {
    case 'well':
      return false
    case 'fails':
      response.writeHead(500).end('the desk is on fire')
      return true
    case 'hangs':
      return true
    case 'redirects':
      response.writeHead(302, { location }).end()
      return true
    // The status says yes, and the connection ends in the middle of the answer that was announced: nobody can know whether it was taken.
    case 'lies':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"taken": tr', () => response.destroy())
      return true
    case 'drips':
      response.writeHead(200).write('.')
      return true
    case 'throttles':
      response.writeHead(429, { 'retry-after': '1' }).end()
      return true
    case 'gone':
      response.writeHead(410).end()
      return true
  }
}
