/** Runs the suites against peers, which `npm test` leaves out. */
import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({ test: { include: ['eval/peers/*.suite.ts'], testTimeout: 60_000, hookTimeout: 120_000, root: '.' } })
