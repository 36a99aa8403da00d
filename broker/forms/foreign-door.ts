/**
 * The door for forms that bring topics of their own: ThingsBoard's, Sparkplug's, and those that mappings of users name. It says what
 * a publish tells about which devices, under the same rule as everywhere: a principal speaks for its devices and for no other. What a
 * gateway says of a device that is not its own is kept as `stray` under the gateway, so that one wrong name does not cost it the connection.
 */
import type { Principal } from '../principal.ts'
import type { ForeignDecision, ForeignPublish } from './foreign-decision.ts'
import { decideThingsboard } from './thingsboard-topics.ts'

export interface ForeignDoor {
  /** Decides a publish of a principal; undefined for a topic that belongs to no form. */
  decide(principal: Principal, publish: ForeignPublish): ForeignDecision | undefined
}

export function createForeignDoor(): ForeignDoor {
  return { decide: (principal, publish) => decideThingsboard(principal, publish) }
}
