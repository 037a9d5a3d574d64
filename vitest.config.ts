import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__tests__/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Scenarios start Ruby and Node processes: more workers than cores only makes them wait for each other.
    maxWorkers: 3,
  },
})
