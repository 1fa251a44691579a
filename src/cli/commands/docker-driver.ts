/** `vpc docker-driver`. */
import { mkdirSync } from 'node:fs'
import { Vpc } from '#client/vpc.ts'
import { Cloud } from '#docker/cloud-network.ts'
import { Leftovers } from '#docker/leftovers.ts'
import { startServer } from '#docker/server.ts'
import { openState } from '#docker/state.ts'
import { Unused } from '#docker/unused.ts'
import { fileSentence, isDenied } from '#system/file-problem.ts'
import { createLog } from '#system/log.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { command } from '../command.ts'
import { configOption } from '../config-file.ts'
import { Failure } from '../failure.ts'
import { text } from '../option.ts'

export default command({
  path: 'docker-driver',
  summary: 'serve networks of docker, in the foreground',
  description: `Docker finds it by its socket, as network driver and IPAM driver vpc. A network of docker is a switch of this host
    (-o vpc.switch=NAME, or -o vpc.vni=NUMBER), or a subnet of the cloud
    (--ipam-driver=vpc --ipam-opt vpc.subnet=VPC/SUBNET).

    It needs no privilege: run it as a user of its own, to whom the policy of vpcd gives write and create of vpcsw, vpcp and hostif, and read of mgmt. A service manager may open the socket for it.`,
  options: {
    config: configOption,
    listen: text('Unix socket that docker looks for', 'PATH', 'file').default('/run/docker/plugins/vpc.sock'),
    stateDir: text('directory where it notes networks and endpoints', 'DIR').default('/var/lib/vpc-docker'),
    agentStateDir,
    host: text('name of this host in the cloud, where the agent of another user has it', 'NAME'),
    context: text('context of the cloud with the subnets (vpc context list)', 'NAME'),
    server: text('URL of the API, in place of a context', 'URL'),
    tokenFile: text('file with a token for that API', 'FILE', 'file'),
    ca: text('certificate authority of that API, in PEM', 'FILE', 'file'),
  },
  examples: [
    { line: 'vpc docker-driver', does: 'for the docker of this machine' },
    { line: 'docker network create -d vpc -o vpc.vni=5001 --subnet=10.0.0.0/24 red', does: 'a network on a switch of its own' },
  ],
  async run({ listen, stateDir, agentStateDir, host, context, server, tokenFile, ca }, { global, output }) {
    const { logLevel, logFormat, utc, socket } = global
    const log = createLog({ level: logLevel, format: logFormat, utc })
    const cloud = new Cloud({ agentStateDir, host, context, server, tokenFile, ca })
    const state = openState(stateDir)
    try {
      mkdirSync(stateDir, { recursive: true, mode: 0o700 })
      using leftovers = new Leftovers(state.leftovers, (vnic) => cloud.remove(vnic), log)
      using unused = new Unused(state, (vnic) => leftovers.remove(vnic))
      const driver = { vpc: new Vpc({ socketPath: socket }), cloud, state, leftovers, unused }
      await using _ = await startServer(driver, log, listen)
      output.item({ listen }, `docker finds driver vpc at ${listen}`)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
    } catch (error) {
      const { syscall, code } = error as NodeJS.ErrnoException
      if (!['listen', 'mkdir', 'rm'].includes(syscall ?? '')) throw error
      const sentence = `${fileSentence(error as NodeJS.ErrnoException)}; see --listen and --state-dir`
      throw new Failure(isDenied(code) ? 'denied' : 'failed', `cannot serve docker: ${sentence}`, { code: 'refused' })
    }
  },
})
