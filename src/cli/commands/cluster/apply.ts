/** `vpc cluster apply FILE`. */
import { applyDocument, showChanges } from '../../apply-document.ts'
import { ClusterHost, hostOption } from '../../cluster-host.ts'
import { command } from '../../command.ts'
import { flag } from '../../option.ts'

export default command({
  path: 'cluster apply',
  summary: 'make this host as a cluster file says',
  description: `Type it on each host of the file. vpcd makes what this host lacks, and changes what differs: its mux, the
    switches, ports and interfaces of its guests, and how it reaches the guests of the other hosts. With --prune it
    removes what the file no longer has on this host; without, it refuses such a file, unless you say yes on a terminal.

    vpcd does all of it, or nothing: when it refuses something, the host is as before, and the message names line and
    key. A second run changes nothing. Objects that the file did not make stay as they are.`,
  options: {
    host: hostOption,
    dryRun: flag('show what would be done, as vpc cluster plan does').short('n'),
    prune: flag('remove what the file no longer has on this host'),
  },
  positionals: [{ name: 'FILE', help: 'the cluster file, YAML' }],
  examples: [
    { line: 'vpc cluster apply cluster.yaml', does: 'on each host whose name is in the file' },
    { line: 'vpc cluster apply cluster.yaml --host h1 --prune', does: 'this machine is h1; remove what is no longer in the file' },
  ],
  async run({ host, dryRun, prune }, { vpc, output }, [path]) {
    const cluster = await ClusterHost.read(path!, host)
    const document = { ...cluster.document, ...(prune && { prune }) }
    await using mgmt = await (await vpc()).mgmt({ write: !dryRun })
    try {
      const asked = { document, removal: 'vpc cluster apply --prune', mayAsk: true }
      showChanges(await (dryRun ? mgmt.plan(document) : applyDocument(mgmt, asked)), dryRun, output)
    } catch (error) {
      throw cluster.explain(error)
    }
  },
})
