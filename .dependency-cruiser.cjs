// Who may import whom. The stages meet in the store; only cli/ wires them together.
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^${from}/` },
  to: {
    path: '^(core|protocols|proxy|store|runner|scenarios|convert|judge|report|cli|tests|bench|scripts)/',
    pathNot: `^(${[from, ...allowed].join('|')})/`,
  },
})
const onlyIn = (name, library, where) => ({
  name,
  severity: 'error',
  from: { pathNot: where },
  to: { path: `node_modules/${library}/` },
})
module.exports = {
  forbidden: [
    only('core-imports-nothing', 'core', []),
    only('protocols-import-core', 'protocols', ['core']),
    only('store-imports-core', 'store', ['core']),
    only('proxy-direction', 'proxy', ['core', 'protocols', 'store']),
    only('convert-direction', 'convert', ['core', 'protocols', 'store']),
    only('judge-direction', 'judge', ['core', 'protocols', 'store']),
    only('scenarios-direction', 'scenarios', ['core', 'protocols', 'store']),
    only('runner-direction', 'runner', ['core', 'store']),
    only('report-direction', 'report', ['core', 'store']),
    { name: 'cli-not-tests', severity: 'error', from: { path: '^cli/' }, to: { path: '^(tests|bench|scripts)/' } },
    onlyIn('sqlite-only-in-store', 'better-sqlite3', '^(store|tests|bench)/'),
    onlyIn('ajv-only-in-schema', 'ajv', '^core/schema\\.ts$'),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true },
}
