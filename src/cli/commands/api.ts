/** `vpc api`. */
import { connect } from 'node:net'
import type { TlsFiles } from '#control/api/tls.ts'
import { createLog } from '#system/log.ts'
import { tellReady } from '#system/service-ready.ts'
import { needRestart, onHangup } from '#system/reload.ts'
import { command } from '../command.ts'
import { checkOption, configOption } from '../config-file.ts'
import { Failure, usageFailure } from '../failure.ts'
import { flag, integer, text } from '../option.ts'
import { storeOfEnvironment, storeOption } from '../with-store.ts'

export default command({
  path: 'api',
  summary: 'run the API of a cloud, in the foreground',
  description: `The API keeps accounts, vpcs, subnets, vnics, groups and the rest of a cloud in a store, and answers vpc cloud and other
    clients. It needs no privilege. Without --store and VPC_STORE it keeps everything in the file control.db of its state
    directory, where vpc db looks, too.

    The first start makes a principal who may do everything, and writes its token into the file admin-token of the state directory, which
    its owner alone can read. vpc login takes it. A later start makes another one when no token is left that may do everything.

    Without a certificate the API listens on this machine alone.

    SIGHUP makes the API read its --config file again and use the log level, and the files of the certificate, which may have been renewed.
    If something is wrong, it logs that and keeps the old configuration as a whole. --check reads them, and starts nothing.`,
  options: {
    config: configOption,
    stateDir: text('directory for the store and the first token', 'DIR', 'directory').default('/var/lib/vpc'),
    store: storeOption.defaultsTo('VPC_STORE, else SQLite in the state directory'),
    listen: text('address to listen on', 'ADDRESS').default('127.0.0.1'),
    port: integer('port to listen on; 0 takes a free one', 'PORT', 0, 65_535).default(7473),
    agentListen: text('address and port for the agents of hosts; none: no host can join', 'ADDRESS:PORT|none').default('127.0.0.1:7474'),
    agentAddress: text('address and port that hosts shall connect to', 'ADDRESS:PORT').defaultsTo('where it listens'),
    tlsCert: text('file with the certificate, and those that sign it', 'FILE', 'file'),
    tlsKey: text('file with the key of the certificate', 'FILE', 'file'),
    issuer: text('socket of the vpc issuer that has the key of the CA', 'PATH', 'file').defaultsTo('an issuer that this starts'),
    ownTls: flag('speak TLS with a certificate of the CA that hosts know, for the name api.vpc.internal'),
    check: checkOption,
  },
  examples: [
    { line: 'vpc api', does: 'the API for this machine' },
    { line: 'vpc api --listen=0.0.0.0 --tls-cert=/etc/vpc/api.crt --tls-key=/etc/vpc/api.key', does: 'for others, too' },
  ],
  async run(options, { output, reread, global }) {
    const { stateDir, store, listen, port, agentListen, agentAddress, tlsCert, tlsKey, issuer, ownTls } = options
    const { logFormat, utc } = global
    const { startApi } = await import('#control/api/server.ts')
    const { ApiStartRefused } = await import('#control/api/start-refused.ts')
    const { parseAgentPort } = await import('#control/api/agent-port.ts')
    const { StoreError } = await import('#control/store/store-error.ts')
    const level = { level: global.logLevel }
    const log = createLog({ level, format: logFormat, utc })
    const agents = agentListen === 'none' ? undefined : parseAgentPort(agentListen)
    if (agents === undefined && agentListen !== 'none') throw usageFailure(`--agent-listen: '${agentListen}' is not ADDRESS:PORT`)
    const { IssuerChild } = await import('#control/issuer/child.ts')
    const at = store ?? storeOfEnvironment() ?? { kind: 'sqlite' as const, path: `${stateDir}/control.db` }
    await using child = new IssuerChild({ stateDir, store: at }, ['--log-level', level.level, '--log-format', logFormat])
    try {
      if (options.check) return await check(options)
      await using api = await startApi({
        stateDir,
        store: at,
        issuer: issuer === undefined ? child.open : () => connect(issuer),
        host: listen,
        port,
        tlsCert,
        tlsKey,
        ownTls,
        log,
        agents: agents && { ...agents, address: agentAddress },
      })
      log.info('listening', { url: api.url, agents: api.agentPort ?? null })
      tellReady(log)
      output.item({ url: api.url, token: api.firstToken ?? null, agents: api.agentPort ?? null }, startText(api))
      const read = async (): Promise<readonly string[]> => {
        const now = await reread(options)
        api.useTls(now.options)
        level.level = now.global.logLevel
        const renewed = tlsCert === undefined || now.options.tlsCert === undefined ? [] : (['tlsCert', 'tlsKey'] as const)
        return needRestart({ ...global, ...options }, { ...now.global, ...now.options }, ['logLevel', ...renewed])
      }
      using _hangup = onHangup({ log, read })
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
      log.info('stopping')
    } catch (error) {
      const isDenied = error instanceof StoreError ? error.code === 'denied' : error instanceof ApiStartRefused && error.isDenied
      if (error instanceof ApiStartRefused || error instanceof StoreError)
        throw new Failure(isDenied ? 'denied' : 'failed', error.message, { code: 'refused' })
      throw error
    }
  },
})

async function check({ tlsCert, tlsKey }: TlsFiles): Promise<void> {
  if (tlsCert !== undefined) (await import('#control/api/tls.ts')).readTls({ tlsCert, tlsKey })
}

function startText({ url, firstToken }: { url: string; firstToken: string | undefined }): string {
  const login =
    firstToken === undefined ? '' : `\nthe first token is in ${firstToken}: vpc login --server=${url} --token-file=${firstToken}`
  return `the API listens on ${url}${login}`
}
