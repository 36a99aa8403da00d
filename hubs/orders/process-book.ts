/**
 * The processes of organisations by version. A version never changes once it stands, so an order goes on under the one it was opened under;
 * when a new one is put into force, open orders come along only if that is asked for and their state is one of it.
 */
import { MendlineError } from '#kernel/errors.ts'
import type { NewProcess, ProcessVersion } from '#kernel/work-order-process.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction, ProcessBook } from '../hub-transaction.ts'
import { isOpenPhase, type Process } from '../work-order-states.ts'
import { checkProcess } from './check-process.ts'

/** Versions of one tenant; a further one is refused. */
const VERSIONS_MAX = 1_000

/** Book over `hub_processes`. */
export function createProcessBook(): ProcessBook {
  const known = new Map<string, Process>()
  return {
    async read(database, tenant, version) {
      const key = `${tenant}/${version}`
      const kept = known.get(key)
      if (kept !== undefined) return kept
      const { body } = await database
        .selectFrom('hub_processes')
        .select('body')
        .where('tenant', '=', tenant)
        .where('version', '=', version)
        .executeTakeFirstOrThrow()
      const process = { ...(JSON.parse(body) as NewProcess), version }
      known.set(key, process)
      return process
    },
  }
}

/** Process that an order is under. */
export async function processOf(
  hub: HubTransaction,
  { tenant, process_version }: Pick<WorkOrderRow, 'tenant' | 'process_version'>,
): Promise<Process> {
  return process_version === 0 ? hub.process : hub.processes.read(hub.database, tenant, process_version)
}

/** Process under which new orders of a tenant are opened. */
export async function processInForce(hub: HubTransaction, tenant: string): Promise<Process> {
  return processOf(hub, { tenant, process_version: await newestVersion(hub, tenant) })
}

async function newestVersion({ database }: Pick<HubTransaction, 'database'>, tenant: string): Promise<number> {
  const row = await database
    .selectFrom('hub_processes')
    .select((select) => select.fn.max<number | null>('version').as('version'))
    .where('tenant', '=', tenant)
    .executeTakeFirst()
  return Number(row?.version ?? 0)
}

export interface ProcessChange {
  readonly tenant: string
  readonly process: NewProcess
  readonly actor: string
  /** `keep`: open orders stay under their version; `move`: those whose state the new one has come along. */
  readonly openOrders: 'keep' | 'move'
  /** Version that the caller saw in force. */
  readonly expectedVersion: number | undefined
}

/**
 * Puts a process into force for new orders, and says how many open orders came along.
 * @throws MendlineError MDL_HUBS_PROCESS_INVALID with every fault, MDL_API_CONFLICT, MDL_API_TOO_LARGE
 */
export async function replaceProcess(hub: HubTransaction, change: ProcessChange): Promise<ProcessVersion & { readonly moved_orders: number }> {
  const { tenant, process, actor } = change
  const errors = checkProcess(process)
  if (errors.length > 0) {
    const detail = errors.map(({ field, reason }) => `${field}: ${reason}`).join('; ')
    throw new MendlineError('MDL_HUBS_PROCESS_INVALID', detail, { details: { errors } })
  }
  const newest = await newestVersion(hub, tenant)
  if (change.expectedVersion !== undefined && change.expectedVersion !== newest) {
    throw new MendlineError('MDL_API_CONFLICT', 'another version was put into force meanwhile', { details: { version: newest } })
  }
  if (newest >= VERSIONS_MAX) throw new MendlineError('MDL_API_TOO_LARGE', `there are ${VERSIONS_MAX} versions of the process`)
  const version = newest + 1
  const row = { tenant, version, body: JSON.stringify(process), actor, created_at_ms: hub.nowMs }
  await hub.database.insertInto('hub_processes').values(row).execute()
  const moved = change.openOrders === 'move' ? await takeAlong(hub, { tenant, process, version }) : 0
  const versions = await listProcesses(hub, tenant)
  const [inForce] = versions
  if (inForce === undefined) throw new Error('the version was written in this transaction')
  return { ...inForce, moved_orders: moved }
}

async function takeAlong(
  hub: HubTransaction,
  { tenant, process, version }: { readonly tenant: string; readonly process: NewProcess; readonly version: number },
): Promise<number> {
  const open = Object.entries(process.states).flatMap(([state, { phase }]) => (isOpenPhase(phase) ? [state] : []))
  const { numUpdatedRows } = await hub.database
    .updateTable('hub_work_orders')
    .set({ process_version: version })
    .where('tenant', '=', tenant)
    .where('state', 'in', open)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Versions of a tenant, newest first; the one that ships is the last. */
export async function listProcesses(hub: HubTransaction, tenant: string): Promise<ProcessVersion[]> {
  const rows = await hub.database.selectFrom('hub_processes').selectAll().where('tenant', '=', tenant).orderBy('version', 'desc').execute()
  const counts = await hub.database
    .selectFrom('hub_work_orders')
    .select((select) => ['process_version', 'state', select.fn.countAll<number>().as('orders')])
    .where('tenant', '=', tenant)
    .groupBy(['process_version', 'state'])
    .execute()
  const { version: _version, ...ships } = hub.process
  const stored = rows.map(({ version, body, actor, created_at_ms }) => ({ version, actor, created_at_ms, process: JSON.parse(body) as NewProcess }))
  return [...stored, { version: 0, actor: 'mendline', created_at_ms: 0, process: ships }].map((entry, index) => ({
    ...entry,
    is_in_force: index === 0,
    open_orders: counts
      .filter(({ process_version }) => process_version === entry.version)
      .filter(({ state }) => isOpenPhase(entry.process.states[state as keyof NewProcess['states']]?.phase ?? 'final'))
      .reduce((sum, { orders }) => sum + Number(orders), 0),
  }))
}
