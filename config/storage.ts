/** Settings of how long things are kept, and of what devices are taken to be when they do not say. */
import { Type } from 'typebox'

const DAYS_MAX = 36_500
const days = (fallback: number, description: string) => Type.Integer({ minimum: 1, maximum: DAYS_MAX, default: fallback, description })
const dayMap = (description: string) =>
  Type.Record(Type.String(), Type.Number({ minimum: 1, maximum: DAYS_MAX, multipleOf: 1 }), { default: {}, description })

export const retentionSchema = Type.Object(
  {
    raw_days: days(400, 'Days that readings are kept as they came'),
    hourly_days: days(1_825, 'Days that hourly aggregates are kept'),
    daily_days: days(7_300, 'Days that aggregates by local day are kept'),
    derived_days: days(
      1_825,
      'Days that windows, past alarms, past states of channels and filled gaps are kept; what still lasts or is missing stays',
    ),
    quarantine_days: days(90, 'Days that quarantined payloads are kept'),
    hub_events_days: days(730, 'Days that diagnoses, cleared alarms and applied events are kept; what an open order or case needs stays'),
    contacts_days: days(
      730,
      'Days that contacts of households are kept behind the last word, and answers what they want to hear; those of an open case stay',
    ),
    care_days: days(1_825, 'Days that it is kept what care was done'),
    intake_codes_days: days(5_475, 'Days that the code on the sticker of a unit opens the page of reports'),
    webhook_attempts_days: days(30, 'Days that settled webhooks, their attempts and what a disabled endpoint is owed are kept'),
    channel_days: dayMap('Other days for raw values of a channel, by `channel` or `type.channel`; at most raw_days'),
    type_days: dayMap('Other raw_days of an appliance type, by its id'),
  },
  { additionalProperties: false },
)

export const deviceDefaultsSchema = Type.Object(
  {
    time_zone: Type.String({
      minLength: 1,
      default: 'UTC',
      description: 'IANA time zone of devices that name none; daily aggregates are of its days',
    }),
  },
  { additionalProperties: false },
)
