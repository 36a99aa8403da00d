/** `npm run eval:service`: the service loop in simulated cities (`../evaluation/run-sections.ts` has the flags). The cities of the evaluation choose nothing. */
import { pageOrder } from '../evaluation/page-order.ts'
import { runSections } from '../evaluation/run-sections.ts'
import { serviceSections } from './sections.ts'

await runSections({ name: 'service', sections: serviceSections, pageOrder })
