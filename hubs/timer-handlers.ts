/** Who takes which kind of timer, one line each. A kind is never reused for another meaning: timers outlive the version that set them. */
import { runCareTimer } from './care/care-tasks.ts'
import { runInterventionTimer } from './experience/interventions.ts'
import { runRiskTimer } from './experience/order-risk.ts'
import { runGroupTimer } from './findings.ts'
import { runHelpTimer } from './help/help-requests.ts'
import { runOrderTimer } from './orders/order-timers.ts'
import { runRecoveryTimer } from './orders/recovery.ts'
import { runDueTimer } from './remote/remote-answers.ts'
import { runOfferTimer } from './remote/remote-offers.ts'
import type { TimerHandler } from './timers.ts'
import { runRepairTimer } from './verify/verify.ts'

export const timerHandlers: Readonly<Record<string, TimerHandler>> = {
  order_state: runOrderTimer,
  repair_due: runRepairTimer,
  order_risk: runRiskTimer,
  intervention_due: runInterventionTimer,
  alarm_group: runGroupTimer,
  remote_offer: runOfferTimer,
  remote_due: runDueTimer,
  help_due: runHelpTimer,
  care_due: runCareTimer,
  order_recovered: runRecoveryTimer,
}
