/**
 * Values of one session on their way: what was told before is left out, a change of status is noted, a hole is told, and what arrives
 * together is handed on together. While history is read, live values wait behind it. State lives as long as the gateway, so that a new
 * session knows where the last one ended.
 */
import type { Clock } from '#kernel/clock.ts'
import { severityOf } from '#kernel/opcua-record.ts'
import type { ResolvedNode } from './opcua-nodes.ts'
import type { Outgoing } from './opcua-outbox.ts'
import type { LastValue, OpcuaProgress } from './opcua-progress.ts'
import type { Observed } from './opcua-values.ts'

export interface OpcuaIntake {
  /** Live values wait from here on. */
  hold(): void
  /** Live values go on, those that waited first. */
  release(): void
  live(observed: Observed): void
  /** Values of the history, in order of time. */
  historic(run: readonly Observed[]): void
  /** Where history of a variable begins to be wanted; undefined when nothing of it ever came. */
  since(node: ResolvedNode): number | undefined
  /** The next value of the variable ends a hole that cannot be filled. */
  expectGap(node: ResolvedNode, reason: string): void
  statistics(): OpcuaIntakeCounts
}

export interface OpcuaIntakeCounts {
  readonly repeated: number
  readonly historic: number
  readonly gaps: number
  readonly overflows: number
  readonly uncertain: number
  readonly bad: number
  readonly without_source_time: number
}

export interface OpcuaIntakePorts {
  readonly progress: OpcuaProgress
  readonly push: (run: readonly Outgoing[]) => void
  /** The server's queue of a variable ran over. */
  readonly onOverflow: (node: ResolvedNode) => void
  readonly clock: Clock
}

interface NodeState {
  last: LastValue | undefined
  /** Identities of the last values, oldest first. */
  readonly recent: Set<string>
  gapReason: string | undefined
  /** Where the history is wanted from after the server's queue ran over. */
  overflowFromMs: number | undefined
}

/** Identities remembered of one variable: more than can come live while a history is read to its end. */
const RECENT_MAX = 2_000
const PRINTS_MAX = 8

export function createOpcuaIntake({ progress, push, onOverflow, clock }: OpcuaIntakePorts): OpcuaIntake {
  const states = new Map<string, NodeState>()
  const counts = { repeated: 0, historic: 0, gaps: 0, overflows: 0, uncertain: 0, bad: 0, without_source_time: 0 }
  let held: Observed[] | undefined
  let batch: Outgoing[] = []

  const stateOf = ({ id }: ResolvedNode): NodeState => {
    let state = states.get(id)
    if (state === undefined) {
      const last = progress.last(id)
      state = { last, recent: new Set(last?.prints), gapReason: undefined, overflowFromMs: undefined }
      states.set(id, state)
    }
    return state
  }
  const admit = (observed: Observed, into: Outgoing[]): void => {
    const { node, ms, print, record } = observed
    const state = stateOf(node)
    if (state.recent.has(print)) {
      counts.repeated++
      return
    }
    remember(state.recent, print)
    const before = state.last
    if (observed.hasOverflow) {
      counts.overflows++
      if (node.hasHistory) {
        state.overflowFromMs ??= before?.ms
        onOverflow(node)
      } else state.gapReason ??= 'the queue of the server ran over, and it keeps no history'
    }
    if (state.gapReason !== undefined && before !== undefined) {
      counts.gaps++
      into.push({ node, ms, record: { node: node.id, channel: node.channel, gap: { from_ms: before.ms, to_ms: ms, reason: state.gapReason } } })
    }
    state.gapReason = undefined
    count(counts, observed)
    const prints = before?.ms === ms ? [...before.prints, print].slice(-PRINTS_MAX) : [print]
    state.last = { ms, statusName: record.status_name, prints }
    const change = statusChange(before, observed)
    into.push({ node, ms, record: change === undefined ? record : { ...record, status_before: change }, progress: state.last })
  }
  const flush = (): void => {
    const run = batch
    batch = []
    if (run.length > 0) push(run)
  }

  return {
    hold() {
      held ??= []
    },
    release() {
      const waiting = held ?? []
      held = undefined
      const run: Outgoing[] = []
      for (const observed of waiting) admit(observed, run)
      if (run.length > 0) push(run)
    },
    live(observed) {
      if (held !== undefined) {
        held.push(observed)
        return
      }
      // What one publish brings is told within one turn.
      if (batch.length === 0) clock.after(0, flush)
      admit(observed, batch)
    },
    historic(run) {
      const outgoing: Outgoing[] = []
      for (const observed of run) admit(observed, outgoing)
      counts.historic += outgoing.length
      if (outgoing.length > 0) push(outgoing)
    },
    since(node) {
      const state = stateOf(node)
      const fromMs = state.overflowFromMs ?? state.last?.ms
      state.overflowFromMs = undefined
      return fromMs
    },
    expectGap(node, reason) {
      stateOf(node).gapReason = reason
    },
    statistics: () => ({ ...counts }),
  }
}

function remember(recent: Set<string>, print: string): void {
  recent.add(print)
  if (recent.size <= RECENT_MAX) return
  const oldest = recent.values().next().value
  if (oldest !== undefined) recent.delete(oldest)
}

/** Status of the value before, when it was another one and one of the two is not good. */
function statusChange(before: LastValue | undefined, { record: { status, status_name: name } }: Observed): string | undefined {
  if (before === undefined) return severityOf(status) === 'good' ? undefined : 'unknown'
  return before.statusName === name ? undefined : before.statusName
}

function count(counts: { uncertain: number; bad: number; without_source_time: number }, { record }: Observed): void {
  const severity = severityOf(record.status)
  if (severity === 'uncertain') counts.uncertain++
  if (severity === 'bad') counts.bad++
  if (record.source_ms === undefined) counts.without_source_time++
}
