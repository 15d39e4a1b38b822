import neostandard from 'neostandard'

export default [
  { ignores: ['dist/**', 'node_modules/**', 'bench/results/**', 'fixtures/**'] },
  ...neostandard({ ts: true, noJsx: true }),
  {
    rules: {
      'no-new-func': 'off', // the codec compiler makes its functions so
      '@stylistic/max-len': ['error', { code: 110, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      '@typescript-eslint/no-redeclare': 'off',
      'no-redeclare': 'off'
    }
  }
]
