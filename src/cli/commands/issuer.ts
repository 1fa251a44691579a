/** `vpc issuer`. */
import { userId } from '#system/accounts.ts'
import { createLog } from '#system/log.ts'
import { tellReady } from '#system/service-ready.ts'
import { command } from '../command.ts'
import { configOption } from '../config-file.ts'
import { Failure, usageFailure } from '../failure.ts'
import { integer, text } from '../option.ts'
import { storeOfEnvironment, storeOption } from '../with-store.ts'

export default command({
  path: 'issuer',
  summary: 'keep the key of the CA of a cloud, and sign certificates for its API, in the foreground',
  description: `vpc api starts one by itself, as the same user. Start it as another user, and name its socket to vpc api with --issuer: then
    nobody who takes over the API gets the key of the CA.

    It signs certificates for the port of the agents, and for hosts: with a join token that the store has, or with a good certificate of
    the same host and key. It reads the hosts of the store itself, so it needs to read the file of an SQLite store, or a certificate for
    etcd. It writes each certificate into ca/issued.jsonl of its state directory before it gives it away.`,
  options: {
    config: configOption,
    stateDir: text('directory whose ca has the key', 'DIR', 'directory').default('/var/lib/vpc'),
    store: storeOption.defaultsTo('VPC_STORE, else SQLite in the state directory'),
    listen: text('socket to listen on', 'PATH', 'file').defaultsTo('issuer.sock in the state directory'),
    user: text('the user of the API: who else than this one may connect', 'NAME|UID').defaultsTo('nobody else'),
    onDescriptor: integer('serve the process that started this one, on this descriptor', 'N', 3, 9).defaultsTo('a socket'),
  },
  examples: [
    {
      line: 'vpc issuer --state-dir=/var/lib/vpc-issuer --store=sqlite:/var/lib/vpc/control.db --user=vpc-api',
      does: 'as root, for an API that is not',
    },
  ],
  async run({ stateDir, store, listen, user, onDescriptor }, { output, global: { logLevel, logFormat, utc } }) {
    const { issuerSocket, serveParent, serveSocket } = await import('#control/issuer/serve.ts')
    const { IssuerRefused } = await import('#control/issuer/issuer.ts')
    const log = createLog({ level: logLevel, format: logFormat, utc })
    const places = { log, stateDir, store: store ?? storeOfEnvironment() ?? { kind: 'sqlite' as const, path: `${stateDir}/control.db` } }
    if (onDescriptor !== undefined) {
      // The API hears the terminal, too, and ends this by closing the descriptor.
      process.on('SIGINT', () => {})
      return serveParent(places, onDescriptor)
    }
    const uid = user === undefined ? undefined : userId(user)
    if (user !== undefined && uid === undefined) throw usageFailure(`--user: there is no user '${user}'`)
    const path = listen ?? issuerSocket(stateDir)
    try {
      const server = await serveSocket(places, path, uid)
      log.info('listening', { socket: path })
      tellReady(log)
      output.item({ socket: path }, `the issuer listens on ${path}`)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
      log.info('stopping')
      server.close()
    } catch (error) {
      if (error instanceof IssuerRefused) throw new Failure(error.isDenied ? 'denied' : 'failed', error.message, { code: 'refused' })
      throw error
    }
  },
})
