import { defineConfig } from 'vitest/config'

// Other projects' clients that are fetched at run time (Maven) or installed by the machine: `npm run
// test:interop`.
export default defineConfig({
  test: {
    include: ['**/*.interop.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    fileParallelism: false
  }
})
