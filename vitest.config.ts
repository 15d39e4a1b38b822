import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['engine/**/*.test.ts', 'cli/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '**/*.interop.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Threads that come and go while type stripping (WASM) compiles hit a race in V8's page protection.
    execArgv: ['--no-memory-protection-keys'],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
