/** `vpc daemon`. */
import { oldestKernelText } from '#abi/requirements.ts'
import { defaultDirectories, type DaemonOptions } from '#daemon/options.ts'
import { defaultLimits, tableSizes } from '#daemon/limits.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { command } from '../command.ts'
import { checkOption, configOption } from '../config-file.ts'
import { Failure } from '../failure.ts'
import type { GlobalValues } from '../global-options.ts'
import { flag, text, valueOption } from '../option.ts'

type Pair = readonly [name: string, value: number]

/** `NAME=NUMBER`, of names that there are. */
function parsePair(given: string, what: string, known: object): Result<Pair> {
  const [, name = '', number = ''] = /^([^=]*)(?:=(.*))?$/s.exec(given) ?? []
  if (!Object.hasOwn(known, name)) return failure(`'${name}' is not a ${what}; they are ${Object.keys(known).join(', ')}`)
  if (!/^\d{1,10}$/.test(number)) return failure(`'${number}' is not a whole number; write ${name}=NUMBER`)
  return success([name, Number(number)])
}

const parseLimit = (given: string): Result<Pair> => parsePair(given, 'limit', defaultLimits)

function parseTable(given: string): Result<Pair> {
  const pair = parsePair(given, 'table whose size can be set', tableSizes)
  if (!pair.ok) return pair
  const [name, entries] = pair.value
  const { most } = tableSizes[name as keyof typeof tableSizes]
  return entries >= 1 && entries <= most
    ? pair
    : failure(`table ${name} cannot take ${entries} entries; write ${name}=NUMBER, from 1 to ${most}`)
}

export default command({
  path: 'daemon',
  summary: 'run vpcd, the daemon of this host, in the foreground',
  description: `vpcd holds the objects of this host and loads the programs that forward packets. It listens on the socket vpcd.sock in
    its run directory. At its start it probes the kernel, as vpc doctor does, and refuses to run when something is missing: the
    kernel must be Linux ${oldestKernelText} or newer.

    SIGTERM or SIGINT stop vpcd and leave the datapath running: packets flow, and the next vpcd on the same directories finds
    everything again. Several vpcd may run on one machine when each has directories and a network namespace of its own.

    To end the forwarding of a host, stop vpcd and run vpc daemon --clear. The journal stays: the next start makes everything
    again, and puts interfaces back into the containers that run on.

    Root may open every object, and nobody else, unless --group or --policy say so. SIGHUP makes vpcd read its
    --config file and the policy again, and use the group, the policy and the log level that they say. If something is wrong, vpcd logs
    that and keeps the old configuration as a whole. Open descriptors keep their rights. --check reads both, and starts nothing.

    Tables of the datapath, with the number of entries that fit into a new one: ${Object.entries(tableSizes)
      .map(([name, { entries }]) => `${name} (${entries})`)
      .join(', ')}. Most of them allocate memory as entries are added. In ports, each
    port and each mux is an entry; in muxes, each mux is two. A table keeps its size until you ask for another one. Then vpcd copies
    its entries, and no packet is lost. An error that a full table causes names the table.

    Limits: ${Object.entries(defaultLimits)
      .map(([name, value]) => `${name} (${value})`)
      .join(', ')}. An error that a limit causes names the limit.`,
  options: {
    config: configOption,
    runDir: text('directory for the socket', 'DIR', 'directory').default(defaultDirectories.runDir),
    stateDir: text('directory for the journal, which outlives a restart', 'DIR', 'directory').default(defaultDirectories.stateDir),
    bpffs: text('directory in a BPF file system, for the pins that outlive vpcd', 'DIR', 'directory').default(defaultDirectories.bpffs),
    group: text('let the members of this group, by name or number, connect and open everything', 'GROUP'),
    limit: valueOption('a limit for clients; the description lists the limits', { placeholder: 'NAME=NUMBER', parse: parseLimit }).repeated,
    table: valueOption('size of a table of the datapath, in entries; the description lists the tables', {
      placeholder: 'NAME=NUMBER',
      parse: parseTable,
    }).repeated,
    policy: text('let others open what this file says; see docs/rights.md', 'FILE', 'file'),
    objectDir: text('directory of the compiled programs', 'DIR', 'directory').defaultsTo('those of this version'),
    check: checkOption,
    clear: flag('remove what a stopped vpcd left in the kernel (devices, programs, tables), and end'),
  },
  examples: [
    { line: 'vpc daemon', does: 'the daemon of this host' },
    { line: 'vpc daemon --table fdb=1000000 --table neighbours=1000000', does: 'for a million addresses elsewhere' },
    { line: 'vpc daemon --clear', does: 'take a stopped vpcd out of the kernel, for example before the package is removed' },
    {
      line: 'nsenter --net=/run/netns/two vpc daemon --run-dir=/run/vpc2 --state-dir=/var/lib/vpc2 --bpffs=/sys/fs/bpf/vpc2',
      does: 'a second one, in namespace two, which VPC_SOCKET=/run/vpc2/vpcd.sock reaches',
    },
  ],
  async run(options, { global, reread }) {
    const { runDaemon } = await import('#daemon/main.ts')
    const { StartRefused } = await import('#daemon/start-refused.ts')
    const given = daemonOptions(options, global)
    try {
      if (options.check) {
        const { AccessControl } = await import('#daemon/access-control.ts')
        return void new AccessControl(given)
      }
      if (options.clear) {
        const { clearKernel } = await import('#daemon/clear.ts')
        return await clearKernel(given)
      }
      await runDaemon(given, async () => {
        const now = await reread(options)
        return daemonOptions(now.options, now.global)
      })
    } catch (error) {
      if (error instanceof StartRefused && process.geteuid!() !== 0 && !options.check)
        throw new Failure('denied', `vpcd needs root: ${error.message}`, { code: 'EPERM' })
      if (error instanceof StartRefused) throw new Failure('failed', error.message, { code: 'refused' })
      throw error
    }
  },
})

interface Given extends Pick<DaemonOptions, 'runDir' | 'stateDir' | 'bpffs' | 'group' | 'policy' | 'objectDir'> {
  readonly limit: readonly Pair[]
  readonly table: readonly Pair[]
}

const daemonOptions = (
  { runDir, stateDir, bpffs, group, policy, objectDir, limit, table }: Given,
  { logLevel, logFormat, utc }: GlobalValues,
): DaemonOptions => ({
  runDir,
  stateDir,
  bpffs,
  group,
  policy,
  objectDir,
  logLevel,
  logFormat,
  utc,
  limits: Object.fromEntries(limit),
  tables: Object.fromEntries(table),
})
