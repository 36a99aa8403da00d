import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { createDeduplicator } from './deduplicate.ts'

const reading = (seq: number, boot = 1, device = 'a', tenant = 'home') => ({ tenant, device, boot, seq })
const roomy = { dedupStretches_MAX: 10_000, dedupBoots_MAX: 1_000 }

describe('peek', () => {
  it('answers as admit would, and leaves no trace', () => {
    const dedup = createDeduplicator({ dedupStretches_MAX: 2, dedupBoots_MAX: 2 })
    const key = (boot: number, seq: number) => ({ tenant: 'home', device: 'ac-1', boot, seq })
    expect([dedup.peek(key(1, 5)), dedup.peek(key(1, 5))]).toEqual(['fresh', 'fresh'])
    for (const seq of [1, 5, 9, 13]) dedup.admit(key(7, seq))
    expect([13, 9, 14, 5, 6, 1].map((seq) => dedup.peek(key(7, seq)))).toEqual(['seen', 'seen', 'fresh', 'unsure', 'fresh', 'unsure'])
    for (const boot of [8, 9]) dedup.admit(key(boot, 0))
    expect([dedup.peek(key(7, 13)), dedup.peek(key(10, 0))]).toEqual(['unsure', 'fresh'])
    const before = dedup.snapshot()
    for (const boot of [1, 7, 8, 10]) dedup.peek(key(boot, 3))
    expect(dedup.snapshot()).toEqual(before)
  })
})

describe('deduplicator', () => {
  it('takes a key once', () => {
    const dedup = createDeduplicator()
    expect([1, 2, 2, 1, 3].map((seq) => dedup.admit(reading(seq)))).toEqual(['fresh', 'fresh', 'seen', 'seen', 'fresh'])
  })

  it('keeps tenants, devices and boots apart', () => {
    const dedup = createDeduplicator()
    const keys = [reading(1), reading(1, 2), reading(1, 1, 'b'), reading(1, 1, 'a', 'other'), reading(1, -1)]
    expect(keys.map((key) => dedup.admit(key))).toEqual(Array(5).fill('fresh'))
    expect(keys.map((key) => dedup.admit(key))).toEqual(Array(5).fill('seen'))
  })

  it('does not mix a tenant and device whose joined names agree', () => {
    const dedup = createDeduplicator()
    expect(dedup.admit(reading(1, 1, 'b-c', 'a'))).toBe('fresh')
    expect(dedup.admit(reading(1, 1, 'c', 'a-b'))).toBe('fresh')
  })

  it('answers as a plain set does, also across a restart in the middle (300 seeds)', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = createRandom(`dedup/${seed}`)
      let dedup = createDeduplicator(roomy)
      const naive = new Set<string>()
      for (let step = 0; step < 300; step++) {
        const key = reading(random.integer(0, 60), random.integer(0, 2), random.pick(['a', 'b']))
        const name = `${key.device}/${key.boot}/${key.seq}`
        expect(dedup.admit(key), `seed dedup/${seed} step ${step}`).toBe(naive.has(name) ? 'seen' : 'fresh')
        naive.add(name)
        if (random.chance(0.01)) {
          const state = JSON.parse(JSON.stringify(dedup.snapshot()))
          dedup = createDeduplicator(roomy)
          dedup.restore(state)
        }
      }
    }
  })

  it('never calls fresh what came before, however little it may remember (300 seeds)', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = createRandom(`dedup/small/${seed}`)
      let dedup = createDeduplicator({ dedupStretches_MAX: 3, dedupBoots_MAX: 2 })
      const naive = new Set<string>()
      for (let step = 0; step < 200; step++) {
        const key = reading(random.integer(0, 40), random.integer(0, 5))
        const name = `${key.boot}/${key.seq}`
        const admission = dedup.admit(key)
        expect(naive.has(name) ? ['seen', 'unsure'] : ['fresh', 'unsure'], `seed dedup/small/${seed} step ${step}`).toContain(admission)
        naive.add(name)
        if (random.chance(0.02)) {
          const state = JSON.parse(JSON.stringify(dedup.snapshot()))
          dedup = createDeduplicator({ dedupStretches_MAX: 3, dedupBoots_MAX: 2 })
          dedup.restore(state)
        }
      }
    }
  })

  it('is unsure of what it was told to doubt, once, and of nothing above it, also after a restart', () => {
    let dedup = createDeduplicator()
    dedup.doubt(reading(5))
    dedup.doubt(reading(3))
    expect(dedup.admit(reading(5))).toBe('unsure')
    const state = JSON.parse(JSON.stringify(dedup.snapshot()))
    dedup = createDeduplicator()
    dedup.restore(state)
    expect([5, 4, 4, 6, 7, 6].map((seq) => dedup.admit(reading(seq)))).toEqual(['seen', 'unsure', 'seen', 'fresh', 'fresh', 'seen'])
    expect(dedup.admit(reading(1, 2))).toBe('fresh')
    expect(dedup.admit(reading(1, 1, 'b'))).toBe('fresh')
  })

  it('doubts every reading of more boots than it may remember', () => {
    const dedup = createDeduplicator({ dedupStretches_MAX: 3, dedupBoots_MAX: 2 })
    for (const boot of [1, 2, 3, 4]) dedup.doubt(reading(9, boot))
    expect(dedup.admit(reading(10, 4))).toBe('fresh')
    expect([4, 3, 2, 1].map((boot) => dedup.admit(reading(9, boot)))).toEqual(Array(4).fill('unsure'))
  })

  it('remembers a long life without gaps in one stretch', () => {
    const dedup = createDeduplicator()
    for (let seq = 0; seq < 100_000; seq++) dedup.admit(reading(seq))
    expect(JSON.stringify(dedup.snapshot()).length).toBeLessThan(100)
  })
})
