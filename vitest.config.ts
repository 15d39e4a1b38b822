import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['engine/**/*.test.ts', 'cli/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '**/*.interop.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Threads that come and go while type stripping (WASM) compiles hit a race in V8's page protection.
    execArgv: ['--no-memory-protection-keys'],
    // A shared machine may stall any process for seconds: once more there, and the report says so.
    retry: process.env.CI === undefined ? 0 : 1,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
