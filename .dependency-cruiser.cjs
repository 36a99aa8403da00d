/** The boundaries of the tree, as conventions section C lists them; `npm test` runs them and fails when nothing was cruised. */
const stages = '(broker|ingest|models|rules|hubs|twin|api)'

/** Package -> where it may be imported. */
const packages = {
  aedes: '^(broker|eval/mqtt-mock|eval/load)/',
  'mqtt-packet': '^(broker|eval)/',
  mqtt: '^(simulators|cli|eval|broker/gateways)/',
  ws: '^(api|broker|eval)/',
  '@duckdb/node-api': '^(ingest/stores|eval)/',
  'onnxruntime-node': '^models/runtimes/',
  fastify: '^api/',
  '@fastify/.*': '^api/',
  kysely: '^(operations|broker|ingest|hubs|twin|api|rules|cli|eval/mqtt-mock|models/registry)/|^(main|twin-join|rules-join|models-join|emergency-join)[.]ts$',
  pino: '^log[.]ts$',
  'prom-client': '^(api|metrics[.]ts)',
  nodemailer: '^hubs/notifiers/',
  undici: '^(hubs/notifiers|hubs/dispatch|eval|cli)/',
  standardwebhooks: '^(hubs|simulators|eval)/',
  'simple-statistics': '^(models|rules|eval)/',
  commander: '^cli([.]ts|/)',
  'node-opcua-client': '^(broker/gateways|simulators)/',
  'node-opcua-server': '^(simulators|eval)/',
  'node-opcua-certificate-manager': '^simulators/',
  'sparkplug-payload': '^(broker/gateways|simulators|eval)/',
  '@influxdata/influxdb-client': '^(ingest/stores|eval)/',
  jose: '^broker/',
  '@peculiar/x509': '^(broker|cli|operations|eval)/',
  '@grafana/grafana-foundation-sdk': '^(dashboards|eval)/',
  yaml: '^(config[.]ts|config/|cli/|eval/|ingest/mapping)',
}

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'kernel-imports-nothing',
      severity: 'error',
      from: { path: '^kernel/', pathNot: '[.]test[.]ts$' },
      to: { pathNot: '^kernel/|^node_modules/typebox/' },
    },
    {
      name: 'catalogue-imports-kernel-only',
      severity: 'error',
      from: { path: '^catalogue/', pathNot: '[.]test[.]ts$' },
      to: { pathNot: '^(catalogue|kernel)/' },
    },
    {
      name: 'siblings-never-meet',
      severity: 'error',
      from: { path: `^${stages}/` },
      to: { path: `^${stages}/`, pathNot: '^$1/' },
    },
    {
      name: 'stages-never-reach-up',
      severity: 'error',
      from: { path: `^${stages}/`, pathNot: '[.]test[.]ts$' },
      to: { path: '^(main|demo|cli|config|safety|metrics)[.]ts$|^(cli|workers|simulators|eval|operations)/' },
    },
    {
      name: 'judges-never-see-the-plant',
      severity: 'error',
      from: { path: `^${stages}/|^workers/|^main[.]ts$|^catalogue/`, pathNot: 'physics|[.]test[.]ts$' },
      to: { path: 'physics|^simulators/' },
    },
    {
      name: 'second-plants-know-no-first',
      comment: 'The plants of evaluation are independent of those of training.',
      severity: 'error',
      from: { path: '^eval/second-plant/', pathNot: '[.]test[.]ts$' },
      to: { pathNot: '^(eval/second-plant|kernel)/|^catalogue/(plant|appliance-type)[.]ts$|^catalogue/blocks/|^catalogue/[^/]+/sensors[.]ts$|^node:|^[a-z_]+$' },
    },
    {
      name: 'only-eval-sees-second-plants',
      severity: 'error',
      from: { pathNot: '^eval/' },
      to: { path: '^eval/second-plant/' },
    },
    {
      name: 'hubs-and-simulators-never-meet',
      severity: 'error',
      from: { path: '^simulators/', pathNot: '[.]test[.]ts$' },
      to: { path: `^${stages}/|^(main|demo|config)[.]ts$|^workers/` },
    },
    {
      name: 'appliance-types-never-meet',
      severity: 'error',
      from: { path: '^catalogue/(?!blocks/)([^/]+)/' },
      to: { path: '^catalogue/[^/]+/', pathNot: '^catalogue/(blocks|$1)/' },
    },
    ...Object.entries(packages).map(([name, allowed]) => ({
      name: `heavy-packages-in-adapters-only: ${name}`,
      severity: 'error',
      from: { pathNot: `${allowed}|^scripts/|[.]test[.]ts$` },
      to: { path: `^node_modules/${name}/` },
    })),
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '[.]test[.]ts$|^vitest[.]config[.]ts$|^scripts/|^eval/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(data|data-demo|console)/|[.]venv/|^models/training/scratch/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['node', 'import', 'types', 'default'], extensions: ['.ts', '.js', '.mjs'] },
  },
}
