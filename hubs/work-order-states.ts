/**
 * What the process of a work order permits: a move that is not in its table, or whose guard is not met, cannot happen. The process itself is
 * data (`kernel/work-order-process.ts`); the one that ships is in `orders/standard-process.ts`.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import { assert, assertNever, MendlineError } from '#kernel/errors.ts'
import type { Outcome, Packet, WorkOrderState } from '#kernel/work-order.ts'
import type { Guard, NewProcess, Phase, StateDefinition } from '#kernel/work-order-process.ts'

/** A process with its version; 0 is the one that ships. */
export interface Process extends NewProcess {
  readonly version: number
}

export interface Move {
  readonly from: WorkOrderState
  readonly to: WorkOrderState
  readonly safetyClass: SafetyClass
  readonly outcome: Outcome | undefined
  readonly reason?: string
  /** A promise of a window stands behind the move. */
  readonly hasWindow?: boolean
  /** Engineer whom the order was offered to; null or absent = anybody. */
  readonly offeredTo?: string | null
  /** Engineer who accepts. */
  readonly engineer?: string | null
  /** Engineer who has the order, by acceptance or offer. */
  readonly heldBy?: string | null
  /** Who tells of the move, when that is a registered engineer. */
  readonly engineerTelling?: string | undefined
  /** Skills of the engineer who accepts; absent when nobody registered them. */
  readonly engineerSkills?: readonly string[] | undefined
  readonly packet?: Pick<Packet, 'skills' | 'steps'>
}

/** States in which somebody is on site, or was and waits for a part or an expert. */
export const VISITED_STATES: readonly WorkOrderState[] = ['on_site', 'waiting_for_part', 'waiting_for_expert']

/** The state that Mendline's own verification alone moves an order to, whatever the process. */
export const JUDGED: WorkOrderState = 'verified'

/**
 * Passes a legal move and refuses every other.
 * @throws MendlineError MDL_HUBS_ILLEGAL_MOVE, MDL_HUBS_OUTCOME_REQUIRED, MDL_HUBS_REASON_REQUIRED
 */
export function checkMove(process: Process, move: Move): void {
  const { from, to } = move
  const allowed = definitionOf(process, from).next
  if (!allowed.includes(to)) {
    const told = allowed.filter((state) => state !== JUDGED)
    throw new MendlineError('MDL_HUBS_ILLEGAL_MOVE', `a work order cannot move from ${from} to ${to}`, { details: { from, to, allowed: told } })
  }
  for (const guard of definitionOf(process, to).guards) checkGuard(guard, move)
}

/** State of a process. An order is only ever in a state that its process has. */
function definitionOf(process: Process, state: WorkOrderState): StateDefinition {
  const definition = process.states[state]
  assert(definition !== undefined, `version ${process.version} of the process has the state ${state}`)
  return definition
}

function checkGuard(guard: Guard, move: Move): void {
  const { from, to } = move
  const refuse = (code: 'MDL_HUBS_ILLEGAL_MOVE' | 'MDL_HUBS_OUTCOME_REQUIRED' | 'MDL_HUBS_REASON_REQUIRED', detail: string): never => {
    throw new MendlineError(code, detail, { details: { from, to, guard } })
  }
  switch (guard) {
    case 'not_emergency':
      if (move.safetyClass === 'E0' || move.safetyClass === 'E1') {
        refuse('MDL_HUBS_ILLEGAL_MOVE', `an order of class ${move.safetyClass} cannot move to ${to}`)
      }
      return
    case 'reason_given':
      if ((move.reason ?? '').trim() === '') refuse('MDL_HUBS_REASON_REQUIRED', `the move to ${to} needs data.reason`)
      return
    case 'window_given':
      if (move.hasWindow !== true) refuse('MDL_HUBS_REASON_REQUIRED', `the move to ${to} needs data.window_from_ms and data.window_to_ms`)
      return
    case 'offered_to_them':
      if ((move.offeredTo ?? null) !== null && move.offeredTo !== move.engineer) {
        refuse('MDL_HUBS_ILLEGAL_MOVE', `the order is offered to ${move.offeredTo}`)
      }
      return
    case 'theirs_to_give_back':
      if ((move.heldBy ?? null) !== null && move.engineerTelling !== undefined && move.engineerTelling !== move.heldBy) {
        refuse('MDL_HUBS_ILLEGAL_MOVE', `the order is with ${move.heldBy}: ${move.engineerTelling} cannot give it back`)
      }
      return
    case 'engineer_qualified': {
      const missing = (move.packet?.skills ?? []).filter((skill) => move.engineerSkills?.includes(skill) !== true)
      if (move.engineerSkills === undefined || missing.length > 0) {
        refuse('MDL_HUBS_ILLEGAL_MOVE', `the engineer ${move.engineer ?? ''} is not known to have the skills ${missing.join(', ')}`)
      }
      return
    }
    case 'visit_explained':
      if (VISITED_STATES.includes(from) && move.outcome === undefined && (move.reason ?? '').trim() === '')
        refuse('MDL_HUBS_OUTCOME_REQUIRED', `the move from ${from} to ${to} needs data.outcome or data.reason`)
      return
    case 'outcome_given':
      if (move.outcome === undefined) refuse('MDL_HUBS_OUTCOME_REQUIRED', `the move to ${to} needs data.outcome`)
      return
    case 'steps_explained':
    case 'steps_given': {
      const silent = unexplainedSteps(move, guard === 'steps_given')
      if (silent.length > 0) refuse('MDL_HUBS_REASON_REQUIRED', `steps that were not done need a reason: ${silent.join(', ')}`)
      return
    }
    default:
      assertNever(guard)
  }
}

/** Ids of steps of the packet that were neither done nor left out with a reason. */
function unexplainedSteps({ outcome, packet }: Move, mustBeGiven: boolean): string[] {
  const given = outcome?.steps
  if (given === undefined && !mustBeGiven) return []
  const isExplained = (id: string): boolean => {
    const said = given?.find(({ step }) => step === id)
    return said !== undefined && (said.done || (said.reason ?? '').trim() !== '')
  }
  return (packet?.steps ?? []).flatMap(({ id }) => (id === undefined || isExplained(id) ? [] : [id]))
}

/** Phase of a state in the given process. */
export const phaseOf = (process: Process, state: WorkOrderState): Phase => definitionOf(process, state).phase

/** Whether somebody still has to do something about an order in this phase. */
export const isOpenPhase = (phase: Phase): boolean => phase === 'waiting' || phase === 'committed'
