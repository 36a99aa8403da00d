import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { eventually, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { createGuesses } from './guesses.ts'

const start = (changes = {}) => {
  const clock = new ManualClock(1_000_000)
  const given = { ...limits, guessesFree_MAX: 3, nameGuessesFree_MAX: 6, addressGuessesFree_MAX: 10, ...changes }
  const guesses = createGuesses({ clock, limits: given })
  const fail = (times: number, name: string, address: string): void => {
    for (let time = 0; time < times; time++) guesses.failed(name, address)
  }
  return { clock, guesses, fail, given }
}

describe('lock-out of guessing', () => {
  it('gives some attempts free, then a delay that doubles up to its limit', () => {
    const { clock, guesses, fail, given } = start()
    fail(3, 'home:a', '10.0.0.1')
    expect(guesses.isLocked('home:a', '10.0.0.1')).toBe(false)
    const delaysMs = Array.from({ length: 14 }, () => {
      guesses.failed('home:a', '10.0.0.1')
      let waitedMs = 0
      for (; guesses.isLocked('home:a', '10.0.0.1'); waitedMs += 500) clock.advance(500)
      return waitedMs
    })
    expect(delaysMs.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000])
    expect(Math.max(...delaysMs)).toBe(given.guessLockMs_MAX)
  })

  it('does not lock an honest device out from elsewhere, however many addresses guess its secret', () => {
    const { guesses, fail } = start()
    for (let host = 0; host < 200; host++) fail(5, 'home:a', `10.1.${host}.1`)
    expect(guesses.isLocked('home:a', '10.0.0.7')).toBe(false)
    guesses.succeeded('home:a', '10.0.0.7')
    expect(guesses.isLocked('home:a', '10.0.0.7')).toBe(false)
  })

  it('locks a name for every address that failed under it, once enough of them did', () => {
    const { guesses, fail } = start()
    for (let host = 0; host < 8; host++) fail(1, 'home:a', `10.1.${host}.1`)
    expect(guesses.isLocked('home:a', '10.1.3.1')).toBe(true)
    expect(guesses.isLocked('home:b', '10.1.3.1')).toBe(false)
  })

  it('locks an address that tries many names, but not the devices that came in from it before', () => {
    const { guesses, fail } = start()
    guesses.succeeded('home:neighbour', '10.0.0.1')
    for (let device = 0; device < 12; device++) fail(1, `home:d${device}`, '10.0.0.1')
    expect(guesses.isLocked('home:fresh', '10.0.0.1')).toBe(true)
    expect(guesses.isLocked('home:neighbour', '10.0.0.1')).toBe(false)
    expect(guesses.isLocked('home:fresh', '10.0.0.2')).toBe(false)
  })

  it('takes a /64 of IPv6 as one address, and an IPv4 address in either form as the same', () => {
    const { guesses, fail } = start()
    fail(4, 'home:a', '2001:db8:1:2::5')
    expect(guesses.isLocked('home:a', '2001:db8:1:2:ffff::1')).toBe(true)
    expect(guesses.isLocked('home:a', '2001:db8:1:3::5')).toBe(false)
    fail(4, 'home:b', '10.0.0.1')
    expect(guesses.isLocked('home:b', '::ffff:10.0.0.1')).toBe(true)
  })

  it('forgets after a while, after a success, and what is oldest when there is no more room', () => {
    const { clock, guesses, fail, given } = start({ guessEntries_MAX: 20 })
    fail(4, 'home:a', '10.0.0.1')
    clock.advance(given.guessForgetMs)
    expect(guesses.isLocked('home:a', '10.0.0.1')).toBe(false)
    fail(3, 'home:a', '10.0.0.1')
    guesses.succeeded('home:a', '10.0.0.1')
    fail(3, 'home:a', '10.0.0.1')
    expect(guesses.isLocked('home:a', '10.0.0.1')).toBe(false)
    for (let host = 0; host < 500; host++) {
      fail(1, `home:x${host}`, `10.2.${host % 250}.${host}`)
      guesses.succeeded(`home:y${host}`, '10.3.0.1')
    }
    expect(guesses.count()).toBeLessThanOrEqual(80)
  })
})

describe('the login', () => {
  const refusal = async (test: TestBroker, options: { clientId: string; username: string; password: string }): Promise<string> => {
    return test.connectAs(options).then(
      () => 'in',
      (error: unknown) => String(error),
    )
  }

  it('answers alike whatever was wrong, then refuses unchecked, and counts both', async () => {
    const clock = new ManualClock(1_800_000_000_000)
    await using test = await startTestBroker({ clock, limits: { guessesFree_MAX: 2 } })
    const device = await test.createDevice('ac-1')
    const gone = await test.createDevice('gone')
    await test.registry.revoke('home', 'gone')
    const login = (name: string, password: string, username = name) => ({ clientId: `home:${name}`, username: `home:${username}`, password })
    const answers = [
      await refusal(test, login('nobody', 'x')),
      await refusal(test, login('gone', gone.secret)),
      await refusal(test, login('ac-1', device.secret, 'ac-2')),
      await refusal(test, login('ac-1', 'wrong')),
      await refusal(test, login('ac-1', 'wrong')),
      await refusal(test, login('ac-1', 'wrong')),
    ]
    expect(new Set(answers)).toEqual(new Set(['ErrorWithReasonCode: Connection refused: Not authorized']))
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_BAD_CREDENTIALS: 6 })
    expect(await refusal(test, login('ac-1', device.secret))).toBe(answers[0])
    expect(test.broker.statistics().refusals.MDL_BROKER_LOCKED_OUT).toBe(1)
    clock.advance(1_000)
    expect(await refusal(test, login('ac-1', device.secret))).toBe('in')
    await eventually(() => test.broker.connectedCount() === 1, 'it is in')
  })
})
