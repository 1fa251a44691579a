/** `vpc agent run`. */
import { setFlagsFromString } from 'node:v8'
import { createLog } from '#system/log.ts'
import { tellReady } from '#system/service-ready.ts'
import { needRestart, onHangup } from '#system/reload.ts'
import { command } from '../../command.ts'
import { checkOption, configOption } from '../../config-file.ts'
import { Failure } from '../../failure.ts'
import { integer, text } from '../../option.ts'
import { packageVersion } from '../../package-version.ts'
import { agentStateDir } from '../../agent-state-dir.ts'

export default command({
  path: 'agent run',
  summary: 'run the agent of this host, in the foreground',
  description: `The agent asks the API of a cloud what this host shall do, has vpcd do it, and reports what fails. It needs no privilege and no
    capability: run it as a user of its own, to whom the policy of vpcd gives what docs/agent.md says.

    It keeps what it was told in its state directory. After a restart of the host it has vpcd make everything from there, also while the
    API is away. It removes nothing before the API has told it everything.

    SIGTERM or SIGINT stop the agent. vpcd keeps what it has, and packets flow. SIGHUP makes the agent read its --config file again and
    use the log level, and connect anew as the host that its state directory names by then. If one of them is wrong, it logs that and
    changes nothing. --check reads both, and starts nothing.`,
  options: {
    config: configOption,
    stateDir: agentStateDir,
    server: text('URL of the API, where it needs no certificate of this host: for tests on one machine', 'URL'),
    reconnectWithin: integer(
      'after an API has ended the feeds of its agents, each connects again at a moment of its own within this time',
      'SECONDS',
      0,
      600,
    ).default(5),
    check: checkOption,
  },
  examples: [
    { line: 'vpc agent run', does: 'the agent of a host that has joined' },
    { line: 'vpc agent status', does: 'whether it is connected, and what fails' },
  ],
  async run(options, { global, reread }) {
    const { stateDir, server, reconnectWithin } = options
    // Of the memory that an agent takes, most is room for garbage otherwise: 112 MiB with 10 000 stations, not 67.
    setFlagsFromString('--optimize-for-size')
    const { Agent } = await import('#agent/agent.ts')
    const { agentServer, keepIdentity } = await import('#agent/identity.ts')
    const { AgentStartRefused } = await import('#agent/state-dir.ts')
    const level = { level: global.logLevel }
    const log = createLog({ level, format: global.logFormat, utc: global.utc })
    const stop = new AbortController()
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort(name))
    try {
      let turn = 0
      const api = server === undefined ? () => agentServer(stateDir, turn) : () => ({ url: server })
      const onLost = (): void => void turn++
      // Says at once that this host has not joined.
      api()
      if (options.check) return
      const reconnectMs = reconnectWithin * 1000
      const version = packageVersion()
      const agent = new Agent({ server: api, onLost, stateDir, socketPath: global.socket, version, log, reconnectMs })
      const read = async (): Promise<readonly string[]> => {
        const now = await reread(options)
        api()
        level.level = now.global.logLevel
        agent.reconnect()
        return needRestart({ ...global, ...options }, { ...now.global, ...now.options }, ['logLevel'])
      }
      using _hangup = onHangup({ log, read })
      tellReady(log)
      await Promise.all([agent.run(stop.signal), server === undefined && keepIdentity({ stateDir, log }, stop.signal)])
    } catch (error) {
      if (error instanceof AgentStartRefused) throw new Failure('failed', error.message, { code: 'refused' })
      throw error
    }
  },
})
