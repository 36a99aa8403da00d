/**
 * The door for forms that bring topics of their own: ThingsBoard's, Sparkplug's, and those that mappings of users name. It says what
 * a publish tells about which devices, under the same rule as everywhere: a principal speaks for its devices and for no other. What a
 * gateway says of a device that is not its own is kept as `stray` under the gateway, so that one wrong name does not cost it the connection.
 */

import type { SparkplugDoor } from '../gateways/sparkplug-door.ts'
import type { Principal } from '../principal.ts'
import type { ForeignDecision, ForeignPublish, TypeOf } from './foreign-decision.ts'
import { decideMapped, type MappingPort } from './mapped-topics.ts'
import { decideThingsboard } from './thingsboard-topics.ts'

export interface ForeignDoor {
  /** Decides a publish of a principal; undefined for a topic that belongs to no form. */
  decide(principal: Principal, publish: ForeignPublish, typeOf: TypeOf): ForeignDecision | undefined
}

const NO_MAPPINGS: MappingPort = { route: () => undefined, forDevice: () => undefined }

interface ForeignDoorPorts {
  readonly mappings?: MappingPort | undefined
  readonly sparkplug: SparkplugDoor
}

export function createForeignDoor({ mappings = NO_MAPPINGS, sparkplug }: ForeignDoorPorts): ForeignDoor {
  return {
    decide(principal, publish, typeOf) {
      if (publish.topic.startsWith('mend/') && !publish.topic.endsWith('/mapped')) return undefined
      return decideThingsboard(principal, publish) ?? sparkplug(principal, publish) ?? decideMapped(principal, publish, { mappings, typeOf })
    },
  }
}
