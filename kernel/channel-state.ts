/**
 * The state of a channel: a stretch of device time in which what a sensor says is not to be used, with begin, end and the values that
 * showed it. Found by `ingest/quality`, stored and queried by key (tenant, device, channel, state, begin), obeyed by ordinary rules and
 * by windows. Safety rules never obey it.
 */
import { type Static, Type } from 'typebox'

export const CHANNEL_STATE_KINDS = ['stuck', 'drift', 'missing', 'implausible', 'unit_jump'] as const
export type ChannelStateKind = (typeof CHANNEL_STATE_KINDS)[number]

export const ChannelStateSchema = Type.Object({
  tenant: Type.String(),
  device: Type.String(),
  type: Type.String(),
  channel: Type.String(),
  state: Type.Enum([...CHANNEL_STATE_KINDS]),
  begin_ms: Type.Integer({ description: 'Device time from which the channel is not to be trusted' }),
  found_ms: Type.Integer({ description: 'Device time of the reading that showed it' }),
  end_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'Device time of the reading that ended it, null while it stands' }),
  firmware: Type.Union([Type.String(), Type.Null()]),
  detail: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]), { description: 'Values and bounds that showed it' }),
})

export type ChannelState = Static<typeof ChannelStateSchema>

/** Names of the rules of alarms that a channel's state raises by itself begin so; `channel-state:<state>:<channel>`. */
export const CHANNEL_STATE_RULE = 'channel-state:'
