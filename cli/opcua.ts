/**
 * `opcua` looks at OPC UA servers for a gateway: shows and trusts a server's certificate, and prints the address space with a proposal of
 * the mapping. It works with the certificates in the data folder and needs no running server. `simulate opcua` runs heat pumps to try with.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { opcuaFolder } from '../join-gateways.ts'
import { isInitialised } from './data-folder.ts'
import { addServerFlags, readConfig, type ServerFlags } from './settings.ts'

interface OpcuaFlags extends ServerFlags {
  readonly securityPolicy: string
  readonly securityMode: string
  readonly user?: string
  readonly password?: string
}

const TIMEOUT_MS = limits.opcuaTimeoutMs

/** The packages of OPC UA are loaded here, so that no other verb waits for them. */
async function open(flags: ServerFlags) {
  const { createOpcuaPki, describeCertificate } = await import('../broker/gateways/opcua-pki.ts')
  const client = await import('../broker/gateways/opcua-client.ts')
  client.routeLibraryLog(silentLog)
  const { dataDir } = readConfig(flags)
  if (!isInitialised(dataDir)) throw new MendlineError('MDL_CONFIG_MISSING', `${dataDir} is no initialised data folder; \`mendline init\` makes one`)
  const pki = createOpcuaPki({ folder: join(opcuaFolder(dataDir), 'pki'), clock: systemClock })
  await pki.prepare()
  return { pki, client, describeCertificate }
}

export function opcuaVerbs(program: Command): void {
  const opcua = program.command('opcua').description('OPC UA servers: trust them, look at them')
  addServerFlags(opcua.command('trust').description('show the certificate of a server, and trust it when its fingerprint is given'))
    .argument('<url>', 'opc.tcp://host:port')
    .option('--fingerprint <sha256>', 'trust the server when its certificate has this SHA-256')
    .action(trust)
  addServerFlags(opcua.command('browse').description('print the variables of a server and a proposal of the mapping (YAML)'))
    .argument('<url>', 'opc.tcp://host:port')
    .option('--security-policy <name>', 'security policy', 'Basic256Sha256')
    .option('--security-mode <name>', 'security mode', 'SignAndEncrypt')
    .option('--user <name>', 'user name; without it anonymous')
    .option('--password <text>', 'password of the user')
    .option('--depth <n>', 'levels below the Objects folder', '8')
    .action(browse)
  program.commands
    .find((command) => command.name() === 'simulate')
    ?.command('opcua')
    .description('run an OPC UA server with simulated heat pumps, until Ctrl-C')
    .option('--port <n>', 'port; 0 = a free one', '4840')
    .option('--pumps <n>', 'heat pumps', '2')
    .option('--pki <dir>', 'folder of its certificates', './data-opcua-simulator')
    .option('--plain', 'also lets clients in without security')
    .option('--bad-every <n>', 'a bad, uncertain or wrongly typed value each n steps; 0 = never', '0')
    .option('--seed <text>', 'the same seed gives the same values', 'heat-pump')
    .action(simulate)
}

async function trust(url: string, flags: ServerFlags & { readonly fingerprint?: string }): Promise<void> {
  const { pki, client, describeCertificate } = await open(flags)
  const endpoints = await client.listEndpoints(url, { pki, timeoutMs: TIMEOUT_MS })
  const der = endpoints.find(({ serverCertificate }) => serverCertificate !== null && serverCertificate.length > 0)?.serverCertificate
  if (der === undefined) throw new MendlineError('MDL_OPCUA_UNAVAILABLE', `${url} shows no certificate; it offers no security`)
  const { fingerprint, subject, valid_to: validTo, application_uri: applicationUri } = describeCertificate(der)
  console.log(`server       ${applicationUri}\nsubject      ${subject}\nvalid until  ${validTo}\nSHA-256      ${fingerprint}`)
  if (flags.fingerprint === undefined) {
    console.log(
      pki.isTrusted(der) ? 'It is trusted.' : `Not trusted. When the SHA-256 is right: mendline opcua trust ${url} --fingerprint ${fingerprint}`,
    )
  } else if (plainHex(flags.fingerprint) === plainHex(fingerprint)) {
    pki.trust(der)
    console.log(`Trusted. The server has to trust ${pki.certificateFile} in turn.`)
  } else throw new MendlineError('MDL_OPCUA_UNTRUSTED', 'the certificate of the server has another fingerprint; it is not trusted')
}

const plainHex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()

async function browse(url: string, flags: OpcuaFlags & { readonly depth: string }): Promise<void> {
  const { pki, client } = await open(flags)
  const { browseVariables, proposeMapping } = await import('../broker/gateways/opcua-browse.ts')
  const password = flags.password ?? ''
  const connection = await client.openConnection(
    {
      url,
      securityPolicy: flags.securityPolicy,
      securityMode: flags.securityMode,
      user: flags.user === undefined ? { kind: 'anonymous' } : { kind: 'password', name: flags.user, password },
    },
    { pki, timeoutMs: TIMEOUT_MS },
  )
  try {
    const variables = await browseVariables(connection.session, { depth_MAX: Number(flags.depth), variables_MAX: limits.opcuaNodes_MAX })
    for (const { path, id, datatype = '?', unit = '', hasHistory } of variables)
      console.log(`# ${path.join('/')}  ${datatype}  ${unit}  ${hasHistory ? 'history' : 'no history'}  ${id}`)
    const mapping = proposeMapping(variables)
    console.log(stringify({ opcua: [{ name: 'plant', url, ...mapping }] }, { lineWidth: 0 }).trimEnd())
  } finally {
    await connection.close()
  }
}

interface SimulateFlags {
  readonly port: string
  readonly pumps: string
  readonly pki: string
  readonly plain?: boolean
  readonly badEvery: string
  readonly seed: string
}

const STEP_MS = 1_000

async function simulate(flags: SimulateFlags): Promise<void> {
  const { createHeatPumpServer } = await import('../simulators/opcua-heat-pump.ts').catch((cause: unknown) => {
    throw new MendlineError('MDL_CONFIG_INVALID', 'the simulated server needs node-opcua-server, which comes with `npm install` of a checkout', {
      cause,
    })
  })
  const pumps = Array.from({ length: Number(flags.pumps) }, (_, index) => `HP${index + 1}`)
  const server = createHeatPumpServer(
    { port: Number(flags.port), pki: flags.pki, pumps, allowsPlain: flags.plain === true, trustsAnybody: true },
    { clock: systemClock },
  )
  const { url } = await server.start()
  console.log(`ready opcua=${url}`)
  let isRunning = true
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isRunning = false
    })
  const random = createRandom(flags.seed)
  const badEvery = Number(flags.badEvery)
  for (let step = 1; isRunning; step++) {
    server.walk(random)
    if (badEvery > 0 && step % badEvery === 0) server.spoil(random)
    await sleep(STEP_MS)
  }
  await server.stop()
}
