/** `init` makes a first installation: settings, data folder, an own certificate authority, and an admin API key that is shown once. It overwrites nothing. */
import { existsSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT, isId } from '#kernel/ids.ts'
import { type ApiTables, apiMigrations } from '../api/api-tables.ts'
import { createKeyStore } from '../api/keys.ts'
import { dataFiles } from '../config.ts'
import { createLog } from '../log.ts'
import { openOperations } from '../operations/open-database.ts'
import { AUTHORITY_DAYS, authorityOf } from './authority.ts'
import { initialise, isInitialised } from './data-folder.ts'
import { addServerFlags, DEFAULT_CONFIG_FILE, readConfig, type ServerFlags } from './settings.ts'

export function initVerb(program: Command): void {
  addServerFlags(program.command('init').description('write mendline.yaml, make the data folder and an admin API key'))
    .option('--tenant <id>', 'tenant of the key', DEFAULT_TENANT)
    .action(init)
}

async function init(flags: ServerFlags & { readonly tenant: string }): Promise<void> {
  if (!isId(flags.tenant)) throw new MendlineError('MDL_CONFIG_INVALID', 'tenant: must be 1 to 64 letters, digits, _ or -')
  const file = flags.config ?? DEFAULT_CONFIG_FILE
  const isWritten = !existsSync(file)
  if (isWritten) writeFileSync(file, sample(flags), { mode: 0o600 })
  const config = readConfig({ ...flags, config: file })
  if (isInitialised(config.dataDir))
    throw new MendlineError('MDL_CONFIG_INVALID', `data: ${config.dataDir} is initialised already; nothing was changed`)
  initialise(config.dataDir, systemClock.now())
  await (await authorityOf(config.dataDir)).init(AUTHORITY_DAYS)
  const operations = await openOperations({ file: dataFiles(config.dataDir).operations, log: createLog('warn') })
  try {
    await operations.migrate(apiMigrations)
    const keys = createKeyStore({ database: operations.database as Kysely<ApiTables>, clock: systemClock, dev: false })
    const { token } = await keys.create({ tenant: flags.tenant, scopes: ['admin'], label: 'made by init' })
    console.log(`${isWritten ? 'Wrote' : 'Kept'} ${file} and made ${config.dataDir}.`)
    console.log('Admin API key, shown this once:')
    console.log(token)
    console.log(`Next: mendline serve --config ${file}`)
  } finally {
    await operations.close()
  }
}

/** First settings: everything on loopback, so that nothing is open before TLS is set up. */
function sample(flags: ServerFlags): string {
  const folder = flags.data ?? './data'
  return `# Settings of Mendline; all of them with their meaning: docs/configuration.md
data: ${JSON.stringify(folder)}
log_level: info
mqtt:
  host: 127.0.0.1
  port: ${flags.mqttPort ?? 1883}
http:
  host: 127.0.0.1
  port: ${flags.httpPort ?? 8080}
# Devices from outside come over TLS:
# mqtts:
#   host: 0.0.0.0
#   port: 8883
#   key_file: ${JSON.stringify(`${folder}/ca/mendline.example.key`)}    # mendline ca issue --server mendline.example --out ${folder}/ca
#   cert_file: ${JSON.stringify(`${folder}/ca/mendline.example.crt`)}
#   ca_file: ${JSON.stringify(`${folder}/ca/ca.crt`)}      # devices may come with certificates: mendline ca issue home:my-device
#   crl_file: ${JSON.stringify(`${folder}/ca/crl.pem`)}
`
}
