import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'data/**', 'data-demo/**'],
    pool: 'threads',
    maxWorkers: 2,
    testTimeout: 30_000,
    // Start-up of a whole platform in a hook takes what a loaded machine leaves it.
    hookTimeout: 30_000,
  },
})
