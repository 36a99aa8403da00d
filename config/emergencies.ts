/** Settings of emergencies: the mail server, the address that links point to, and who is called where a tenant named nobody. */
import { type Static, Type } from 'typebox'
import { type ConfigFault, Secret } from '../config-files.ts'

export const emergenciesSchema = Type.Object(
  {
    public_url: Type.Optional(
      Type.String({ pattern: '^https?://[^/]+$', description: 'Address under which people reach the API, for links in calls; absent = no links' }),
    ),
    smtp_url: Type.Optional(
      Type.String({ pattern: '^smtps?://', maxLength: 1_000, description: 'Mail server, e.g. `smtp://user:password@mail.example.com:587`' }),
    ),
    mail_from: Type.String({ default: 'mendline@localhost', maxLength: 254, description: 'Sender of calls by e-mail' }),
    fallback_emails: Type.Array(Type.String({ minLength: 3, maxLength: 254 }), {
      default: [],
      description: 'Called by e-mail where a tenant has nobody on duty; in a variable separated by commas',
    }),
    fallback_chats: Type.Array(Type.String({ pattern: '^https?://', maxLength: 2_000 }), {
      default: [],
      description: 'Chat webhooks (`{text}`) called where a tenant has nobody on duty; in a variable separated by commas',
    }),
    locale: Type.Enum(['en', 'zh-CN'], { default: 'en', description: 'Language of `text` in advice; both stand beside' }),
  },
  { additionalProperties: false },
)

export interface EmergencySettings extends Omit<Static<typeof emergenciesSchema>, 'smtp_url'> {
  readonly smtp: Secret | undefined
}

/** Mail to nobody's server would call nobody: that is a fault, not a silence. */
export function emergencySettings({ smtp_url, ...rest }: Static<typeof emergenciesSchema>, faults: ConfigFault[]): EmergencySettings {
  if (smtp_url === undefined && rest.fallback_emails.length > 0) faults.push({ path: 'emergencies.fallback_emails', reason: 'needs smtp_url' })
  if (smtp_url !== undefined && !URL.canParse(smtp_url)) faults.push({ path: 'emergencies.smtp_url', reason: 'is no address' })
  return { ...rest, smtp: smtp_url === undefined ? undefined : new Secret(smtp_url) }
}
