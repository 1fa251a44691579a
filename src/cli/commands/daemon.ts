/** `vpc daemon`. */
import { defaultDirectories } from '#daemon/options.ts'
import { defaultLimits } from '#daemon/limits.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { text, valueOption } from '../option.ts'

function parseLimit(given: string): Result<readonly [name: string, value: number]> {
  const [name = '', number = ''] = given.split('=')
  if (!Object.hasOwn(defaultLimits, name)) return failure(`'${name}' is no limit; they are ${Object.keys(defaultLimits).join(', ')}`)
  if (!/^\d{1,10}$/.test(number)) return failure(`'${number}' is not a whole number; write ${name}=NUMBER`)
  return success([name, Number(number)])
}

export default command({
  path: 'daemon',
  summary: 'run vpcd, the daemon of this host, in the foreground',
  description: `vpcd holds the objects of this host and loads the programs that forward packets. It listens on the socket vpcd.sock in its run directory. It
    begins with a probe of the kernel, which vpc doctor shows too.

    SIGTERM or SIGINT stop it and leave the datapath running: packets go on, and the next vpcd on the same directories finds everything again. Several
    vpcd may run on one machine when each has directories and a network namespace of its own.

    Root may open every object, and nobody else, unless --group or --policy say so. SIGHUP makes vpcd read the policy again: from then on it decides, as
    a whole; one that is wrong is reported in the log, and the one before stays. Descriptors that are open stay as they are.

    Limits: ${Object.entries(defaultLimits)
      .map(([name, value]) => `${name} (${value})`)
      .join(', ')}. An error that one of them causes names it.`,
  options: {
    runDir: text('directory for the socket', 'DIR', 'directory').default(defaultDirectories.runDir),
    stateDir: text('directory for what must outlive a restart', 'DIR', 'directory').default(defaultDirectories.stateDir),
    bpffs: text('directory, in a BPF file system, for what must outlive vpcd', 'DIR', 'directory').default(defaultDirectories.bpffs),
    group: text('let the members of this group, by name or number, connect and open everything', 'GROUP'),
    limit: valueOption('what clients may take; the limits stand in the description', { placeholder: 'NAME=NUMBER', parse: parseLimit })
      .repeated,
    policy: text('let others open what this file says; see docs/rights.md', 'FILE', 'file'),
    objectDir: text('directory of the compiled programs', 'DIR', 'directory').defaultsTo('those of this version'),
  },
  examples: [
    { line: 'vpc daemon', does: 'the daemon of this host' },
    {
      line: 'nsenter --net=/run/netns/two vpc daemon --run-dir=/run/vpc2 --state-dir=/var/lib/vpc2 --bpffs=/sys/fs/bpf/vpc2',
      does: 'a second one, in namespace two, which VPC_SOCKET=/run/vpc2/vpcd.sock reaches',
    },
  ],
  async run({ runDir, stateDir, bpffs, group, policy, objectDir, limit }, { global: { logLevel, logFormat, utc } }) {
    const { runDaemon } = await import('#daemon/main.ts')
    const { StartRefused } = await import('#daemon/directories.ts')
    try {
      await runDaemon({ runDir, stateDir, bpffs, group, policy, objectDir, limits: Object.fromEntries(limit), logLevel, logFormat, utc })
    } catch (error) {
      if (error instanceof StartRefused) throw new Failure('failed', error.message, { code: 'refused' })
      throw error
    }
  },
})
