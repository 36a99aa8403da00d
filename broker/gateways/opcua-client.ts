/**
 * Opens sessions to OPC UA servers: security as the settings have it, own certificate, trust by the folder. node-opcua keeps the session
 * over cuts of the connection: it activates the session again, transfers or recreates subscriptions and asks for what was published meanwhile.
 */
import { readFileSync } from 'node:fs'
import {
  type ClientSession,
  type EndpointDescription,
  MessageSecurityMode,
  OPCUAClient,
  type OPCUAClientOptions,
  SecurityPolicy,
  setErrorLogger,
  setWarningLogger,
  type UserIdentityInfo,
  UserTokenType,
} from 'node-opcua-client'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import type { OpcuaPki, ServerCertificate } from './opcua-pki.ts'
import type { OpcuaServerSettings, OpcuaUser } from './opcua-settings.ts'

export interface OpcuaConnection {
  readonly client: OPCUAClient
  readonly session: ClientSession
  close(): Promise<void>
}

interface ConnectionParts {
  readonly pki: OpcuaPki
  readonly timeoutMs: number
}

/** Where a session is opened, and as whom. */
type OpcuaTarget = Pick<OpcuaServerSettings, 'url' | 'securityPolicy' | 'securityMode' | 'user'>

/** Connects and opens a session. @throws MendlineError MDL_OPCUA_UNTRUSTED, MDL_OPCUA_UNAVAILABLE */
export async function openConnection(settings: OpcuaTarget, { pki, timeoutMs }: ConnectionParts): Promise<OpcuaConnection> {
  let refused: ServerCertificate | undefined
  const client = OPCUAClient.create({
    ...commonOptions(pki, timeoutMs),
    securityMode: MessageSecurityMode[settings.securityMode as keyof typeof MessageSecurityMode],
    securityPolicy: SecurityPolicy[settings.securityPolicy as keyof typeof SecurityPolicy],
    clientCertificateManager: pki.store((certificate) => {
      refused = certificate
    }),
    keepSessionAlive: true,
    // A session that waits for its client for ten minutes, as long as its subscriptions.
    requestedSessionTimeout: 600_000,
  })
  // Without a listener some of its faults would end the process.
  client.on('abort', () => {})
  try {
    await client.connect(settings.url)
    const session = await client.createSession(identityOf(settings.user))
    return { client, session, close: () => closeAll(client, session) }
  } catch (cause) {
    await client.disconnect().catch(() => {})
    if (refused !== undefined)
      throw new MendlineError('MDL_OPCUA_UNTRUSTED', `the certificate of ${settings.url} is not trusted`, { cause, details: { ...refused } })
    const message = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new MendlineError('MDL_OPCUA_UNAVAILABLE', `${settings.url}: ${message}`, { cause, retryable: true })
  }
}

/** Hands what the library has to say to our log; it is told once for the process. */
export function routeLibraryLog(log: Log): void {
  const tell = (...words: unknown[]): void => log.debug('node-opcua', { says: words.map(String).join(' ').slice(0, 500) })
  setWarningLogger(tell)
  setErrorLogger(tell)
}

/** What a server offers, asked without security, as discovery is. @throws MendlineError MDL_OPCUA_UNAVAILABLE */
export async function listEndpoints(url: string, { pki, timeoutMs }: ConnectionParts): Promise<readonly EndpointDescription[]> {
  const client = OPCUAClient.create({
    ...commonOptions(pki, timeoutMs),
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
    clientCertificateManager: pki.store(() => {}),
  })
  client.on('abort', () => {})
  try {
    await client.connect(url)
    return await client.getEndpoints()
  } catch (cause) {
    throw new MendlineError('MDL_OPCUA_UNAVAILABLE', `${url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, retryable: true })
  } finally {
    await client.disconnect().catch(() => {})
  }
}

const commonOptions = (pki: OpcuaPki, timeoutMs: number): OPCUAClientOptions => ({
  applicationName: 'Mendline',
  applicationUri: pki.applicationUri,
  clientName: 'Mendline',
  certificateFile: pki.certificateFile,
  privateKeyFile: pki.keyFile,
  // Servers behind another address name themselves by a host that nobody else knows.
  endpointMustExist: false,
  transportTimeout: timeoutMs,
  defaultTransactionTimeout: timeoutMs,
  connectionStrategy: { initialDelay: 200, maxDelay: 10_000, maxRetry: 1 },
})

function identityOf(user: OpcuaUser): UserIdentityInfo {
  if (user.kind === 'anonymous') return { type: UserTokenType.Anonymous }
  if (user.kind === 'password') return { type: UserTokenType.UserName, userName: user.name, password: user.password }
  const pem = readFileSync(user.certificateFile, 'utf8')
  const base64 = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)?.[1] ?? ''
  return {
    type: UserTokenType.Certificate,
    certificateData: Buffer.from(base64, 'base64'),
    privateKey: readFileSync(user.keyFile, 'utf8'),
  }
}

async function closeAll(client: OPCUAClient, session: ClientSession): Promise<void> {
  await session.close().catch(() => {})
  await client.disconnect().catch(() => {})
}
