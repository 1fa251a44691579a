/** `vpc exporter`. */
import { startExporter } from '#exporter/exporter.ts'
import { isDenied } from '#system/file-problem.ts'
import { createLog } from '#system/log.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { ApiClient } from '../cloud/api-client.ts'
import { currentContext } from '../cloud/contexts.ts'
import { command } from '../command.ts'
import { configOption } from '../config-file.ts'
import { Failure } from '../failure.ts'
import { flag, integer, text } from '../option.ts'
import { PlaceNames } from '../place-names.ts'

export default command({
  path: 'exporter',
  summary: 'serve the metrics of this host to Prometheus, in the foreground',
  description: `GET /metrics has what vpcd counts and what the agent says, as docs/metrics.md lists it. It needs no privilege: run it as a user
    of its own, to whom the policy of vpcd gives read of mgmt.

    Vnics and vpcs have their ids as labels on a host with an agent. With --context, or VPC_API and VPC_TOKEN, they have their names, for a user who may see them.

    It asks for no password. Everybody who reaches the port can read it, so it listens on this machine unless it is told otherwise.`,
  options: {
    config: configOption,
    listen: text('address to listen on', 'ADDRESS').default('127.0.0.1'),
    port: integer('port to listen on; 0 takes a free one', 'PORT', 0, 65_535).default(9475),
    stateDir: agentStateDir,
    context: text('context of the cloud whose names are shown (vpc context list)', 'NAME'),
    noRules: flag('leave out the counters of rules'),
    noQueues: flag('leave out the counters of queues'),
    maxSeries: integer('series of one metric at most; further ones are left out, and counted', 'NUMBER', 1, 1_000_000).default(10_000),
  },
  examples: [
    { line: 'vpc exporter', does: 'for a Prometheus on this machine' },
    { line: 'curl -s localhost:9475/metrics | promtool check metrics', does: 'see them, and check their form' },
  ],
  async run({ listen, port, stateDir, context, noRules, noQueues, maxSeries }, { global, output }) {
    const { logLevel, logFormat, utc, socket } = global
    const log = createLog({ level: logLevel, format: logFormat, utc })
    if (process.getuid?.() === 0) log.warn('the exporter needs no privilege; run it as a user of its own (docs/metrics.md)')
    const say = (why: string): void => log.warn('no names of the cloud', { error: why })
    const named = context !== undefined || process.env.VPC_API !== undefined
    const names = !named ? undefined : new PlaceNames(new ApiClient(currentContext(context)), say)
    try {
      await using exporter = await startExporter({
        host: listen,
        port,
        socketPath: socket,
        stateDir,
        rules: !noRules,
        queues: !noQueues,
        maxSeries,
        namesOf: names && ((things) => names.of(things)),
        log,
      })
      output.item({ port: exporter.port }, `metrics are on port ${exporter.port} of ${listen}, at /metrics`)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
    } catch (error) {
      const { syscall, message, code } = error as NodeJS.ErrnoException
      if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error
      const isPort = code === 'EADDRINUSE' || isDenied(code)
      const remedy = isPort ? 'choose another with --port' : 'give an address of this machine with --listen, and the port with --port'
      throw new Failure(isDenied(code) ? 'denied' : 'failed', `cannot listen on ${listen} port ${port}: ${message}; ${remedy}`, {
        code: 'refused',
      })
    }
  },
})
