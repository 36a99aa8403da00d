import { describe, expect, it } from 'vitest'
import { isFromThisMachine } from './loopback-only.ts'

describe('isFromThisMachine', () => {
  it.each([
    [true, '127.0.0.1:8080', undefined],
    [true, 'localhost:8080', 'http://localhost:8080'],
    [true, '[::1]:8080', undefined],
    [false, 'rebound.example:8080', undefined],
    [false, '127.0.0.1:8080', 'https://foreign.example'],
    [false, '127.0.0.1:8080', 'null'],
    [false, '', undefined],
  ])('says %s of host %s and origin %s', (expected, host, origin) => {
    expect(isFromThisMachine({ host, ...(origin === undefined ? {} : { origin }) })).toBe(expected)
  })
})
