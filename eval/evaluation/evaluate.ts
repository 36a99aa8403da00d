/** `npm run eval`: the sections of the diagnosis and of the emergency path (`run-sections.ts` has the flags). Seeds and plants of the evaluation are in no training. */
import { evalSections, pageOrder } from './page-order.ts'
import { runSections } from './run-sections.ts'

await runSections({ name: 'all', sections: evalSections, pageOrder })
