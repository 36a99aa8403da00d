/**
 * A command to a device: a record with state that is owed from the moment it is written until the device acknowledged it or it
 * expired. The states are those of the contract; `sent` and `delivered` say how far the bytes came, the others what the device said.
 */
import { type Static, Type } from 'typebox'
import type { EpochMs } from './clock.ts'

export const COMMAND_STATES = ['queued', 'sent', 'delivered', 'accepted', 'done', 'refused', 'expired', 'cancelled'] as const
export type CommandState = (typeof COMMAND_STATES)[number]

/** States in which the device has said nothing yet: the command is sent again. */
export const UNANSWERED_STATES = ['queued', 'sent', 'delivered'] as const satisfies readonly CommandState[]
/** States that a command can leave. */
export const OPEN_STATES = [...UNANSWERED_STATES, 'accepted'] as const satisfies readonly CommandState[]

/** What a device may say of a command. */
export const ACK_STATES = ['accepted', 'done', 'refused'] as const satisfies readonly CommandState[]
export type AckState = (typeof ACK_STATES)[number]

/** snake_case; the device's firmware knows what it means. */
export const COMMAND_NAME_PATTERN = '^[a-z][a-z0-9_]{0,63}$'

const instantOrNull = Type.Union([Type.Integer(), Type.Null()])

export const CommandSchema = Type.Object({
  command_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  name: Type.String(),
  payload: Type.Record(Type.String(), Type.Unknown()),
  state: Type.Enum([...COMMAND_STATES]),
  attempts: Type.Integer({ description: 'Times it was written to a session of the device' }),
  created_at_ms: Type.Integer(),
  expires_at_ms: Type.Integer(),
  moved_at_ms: Type.Record(Type.String(), Type.Integer(), { description: 'When it first came into each state' }),
  actor: Type.String({ description: 'Who gave it: `key:<id>`, `emergency`' }),
  reason: Type.Union([Type.String(), Type.Null()]),
  data: Type.Union([Type.Unknown(), Type.Null()], { description: 'What the device sent with its answer' }),
  late_answer: Type.Union([Type.Object({ state: Type.String(), at_ms: Type.Integer() }), Type.Null()], {
    description: 'An answer that came after the command had ended; it changes nothing',
  }),
  acknowledge_by_ms: instantOrNull,
  is_overdue: Type.Boolean({ description: 'Not answered by `acknowledge_by_ms`' }),
})

/** A command as the API gives it. */
export type Command = Static<typeof CommandSchema>

/** What is needed to give a command. */
export interface NewCommand {
  readonly commandId: string
  readonly tenant: string
  readonly device: string
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly actor: string
  readonly expiresAtMs: number
  /** When somebody must hear of it if the device has not answered. */
  readonly acknowledgeByMs?: number | undefined
  /** The giver wants to hear what became of it. */
  readonly isFollowed?: boolean | undefined
}

/** What the giver of a followed command hears. */
export interface CommandNote {
  readonly command_id: string
  readonly tenant: string
  readonly device: string
  /** A state, or `overdue`: not answered by `acknowledge_by_ms`. */
  readonly state: CommandState | 'overdue'
  readonly reason: string | null
  readonly at_ms: EpochMs
}
