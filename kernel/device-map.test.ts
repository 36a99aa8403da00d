import { describe, expect, it } from 'vitest'
import { DeviceMap } from './device-map.ts'

describe('a map by tenant and device', () => {
  it('keeps devices of one name in two tenants apart, whichever was asked last', () => {
    const map = new DeviceMap<number>()
    map.set('a', 'x', 1)
    map.set('b', 'x', 2)
    expect([map.get('a', 'x'), map.get('b', 'x'), map.get('b', 'x'), map.get('a', 'x')]).toEqual([1, 2, 2, 1])
    expect(map.get('b', 'y')).toBeUndefined()
    expect(map.get('c', 'x')).toBeUndefined()
  })

  it('answers what was set, deleted or cleared since it was asked', () => {
    const map = new DeviceMap<number>()
    expect(map.get('a', 'x')).toBeUndefined()
    map.set('a', 'x', 1)
    expect(map.get('a', 'x')).toBe(1)
    map.set('a', 'x', 2)
    expect(map.get('a', 'x')).toBe(2)
    expect(map.delete('a', 'x')).toBe(true)
    expect(map.delete('c', 'x')).toBe(false)
    expect(map.get('a', 'x')).toBeUndefined()
    map.set('a', 'y', 3)
    expect(map.get('a', 'y')).toBe(3)
    map.clear()
    expect(map.get('a', 'y')).toBeUndefined()
  })

  it('lists all of them, and those of a tenant', () => {
    const map = new DeviceMap<number>()
    map.set('a', 'x', 1)
    map.set('b', 'y', 2)
    map.set('a', 'z', 3)
    expect(map.values()).toEqual([1, 3, 2])
    expect(map.ofTenant('a')).toEqual([
      ['x', 1],
      ['z', 3],
    ])
    expect(map.ofTenant('c')).toEqual([])
    expect(map.entries()).toEqual([
      ['a', 'x', 1],
      ['a', 'z', 3],
      ['b', 'y', 2],
    ])
  })
})
