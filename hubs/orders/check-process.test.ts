import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { type NewProcess, NewProcessSchema } from '#kernel/work-order-process.ts'
import { checkProcess } from './check-process.ts'
import { standardProcess } from './standard-process.ts'

/** The shipped process, changed by a function on its JSON. */
type Draft = { initial: string; states: Record<string, { phase: string; next: string[]; guards: string[]; timers?: object[] }> }
function changed(change: (draft: Draft) => void): NewProcess {
  const { version: _version, ...draft } = structuredClone(standardProcess) as unknown as Draft & { version: number }
  change(draft)
  return draft as unknown as NewProcess
}
const state = (draft: Draft, name: string) => draft.states[name] ?? { phase: '', next: [], guards: [] }
const set = (draft: Draft, name: string, change: object): void => void Object.assign(state(draft, name), change)
const without = (list: string[], entry: string): string[] => list.filter((other) => other !== entry)

describe('checkProcess', () => {
  it('finds nothing wrong with the process that ships, and with a short one', () => {
    expect(
      Value.Check(
        NewProcessSchema,
        changed(() => {}),
      ),
    ).toBe(true)
    expect(checkProcess(standardProcess)).toEqual([])
    const short: NewProcess = {
      initial: 'opened',
      states: {
        opened: { phase: 'waiting', guards: [], next: ['accepted', 'cancelled'] },
        accepted: { phase: 'committed', guards: ['reason_given'], next: ['done', 'cancelled'] },
        done: { phase: 'settled', guards: ['outcome_given'], next: ['verified', 'reopened'] },
        verified: { phase: 'settled', guards: [], next: ['reopened', 'closed'] },
        reopened: { phase: 'waiting', guards: [], next: ['accepted', 'cancelled'] },
        cancelled: { phase: 'final', guards: [], next: [] },
        closed: { phase: 'final', guards: [], next: [] },
      },
    }
    expect(checkProcess(short)).toEqual([])
  })

  it.each<[string, (draft: Draft) => void, string]>([
    [
      'a state that nothing leads to',
      (p) => Object.keys(p.states).map((name) => set(p, name, { next: without(state(p, name).next, 'waiting_for_expert') })),
      'states.waiting_for_expert',
    ],
    ['a state without an end', (p) => set(p, 'waiting_for_part', { next: ['waiting_for_part'] }), 'states.waiting_for_part'],
    ['a move to a state that is left out', (p) => void delete p.states.remote_offered, 'states.opened.next'],
    ['a begin that is no state', (p) => void delete p.states.opened, 'initial'],
    ['a begin with a guard', (p) => void state(p, 'opened').guards.push('reason_given'), 'initial'],
    ['done without the outcome', (p) => set(p, 'done', { guards: [] }), 'states.done.guards'],
    ['a visit that ends in silence', (p) => set(p, 'cancelled', { guards: [] }), 'states.cancelled.guards'],
    ['remote advice in a danger', (p) => set(p, 'remote_offered', { guards: [] }), 'states.remote_offered.guards'],
    ['a repair that cannot be reopened', (p) => set(p, 'verified', { next: ['closed'] }), 'states.verified.next'],
    ['an accepted order that counts as waiting', (p) => set(p, 'accepted', { phase: 'waiting' }), 'states.accepted.phase'],
    ['an offer that counts as over', (p) => set(p, 'offered', { phase: 'final' }), 'states.offered.phase'],
    ['a waiting order that cannot be cancelled', (p) => set(p, 'offered', { next: ['accepted', 'returned'] }), 'states.offered.next'],
    [
      'a timer that moves where no move leads',
      (p) => set(p, 'offered', { timers: [{ id: 'x', after_ms: 9_000, reason: 'x', effects: [{ kind: 'move', to: 'closed' }] }] }),
      'states.offered.timers.0.effects',
    ],
    [
      'a timer that would have to give an outcome',
      (p) => set(p, 'on_site', { timers: [{ id: 'x', after_ms: 9_000, reason: 'x', effects: [{ kind: 'move', to: 'done' }] }] }),
      'states.on_site.timers.0.effects',
    ],
    [
      'a timer that comes at once',
      (p) => set(p, 'offered', { timers: [{ id: 'x', after_ms: 0, reason: 'x', effects: [{ kind: 'escalate', to: 'outlet' }] }] }),
      'states.offered.timers.0.after_ms',
    ],
    [
      'two timers of one name',
      (p) => void state(p, 'offered').timers?.push({ id: 'no_answer', after_ms: 9_000, reason: 'x', effects: [{ kind: 'escalate', to: 'outlet' }] }),
      'states.offered.timers.2.id',
    ],
    [
      'a pool of what is not offered',
      (p) => set(p, 'triaged', { timers: [{ id: 'x', after_ms: 9_000, reason: 'x', effects: [{ kind: 'open_pool' }] }] }),
      'states.triaged.timers.0.effects',
    ],
  ])('refuses %s', (_name, change, field) => {
    const process = changed(change)
    expect(Value.Check(NewProcessSchema, process)).toBe(true)
    expect(checkProcess(process).map((fault) => fault.field)).toContain(field)
  })

  it.each<[string, (draft: Draft) => void]>([
    ['a guard that nobody knows', (p) => void state(p, 'done').guards.push('moon_is_full')],
    ['an effect that nobody knows', (p) => set(p, 'offered', { timers: [{ id: 'x', after_ms: 9_000, reason: 'x', effects: [{ kind: 'pray' }] }] })],
    ['a state that is none', (p) => void Object.assign(p.states, { lost: state(p, 'closed') })],
  ])('has no words for %s', (_name, change) => {
    expect(Value.Check(NewProcessSchema, changed(change))).toBe(false)
  })
})
