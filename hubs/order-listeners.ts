/**
 * Who hears of each move and remark of a work order, one line each, in this order, inside the transaction of the move. A listener writes
 * rows, sets timers and emits events; it moves no order itself, since the caller holds the row: to move one, it sets a timer due at once.
 */
import { watchCare } from './care/care-tasks.ts'
import { watchDemand } from './experience/demand-rules.ts'
import { watchRisk } from './experience/order-risk.ts'
import { watchHelp } from './help/help-requests.ts'
import type { OrderListener } from './hub-transaction.ts'
import { setOrderTimer } from './orders/order-timers.ts'
import { watchRemote } from './remote/watch-remote.ts'
import { watchRepair } from './verify/verify.ts'

const LISTENERS: readonly OrderListener[] = [setOrderTimer, watchRepair, watchRisk, watchRemote, watchHelp, watchCare, watchDemand]

/** Tells every listener, one behind the other. */
export const onOrderMoved: OrderListener = async (hub, order, move) => {
  for (const listen of LISTENERS) await listen(hub, order, move)
}
