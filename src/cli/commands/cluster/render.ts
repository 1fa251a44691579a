/** `vpc cluster render FILE`. */
import { ClusterHost, hostOption } from '../../cluster-host.ts'
import { command } from '../../command.ts'
import { formatHostFile } from '../../host-file-text.ts'

export default command({
  path: 'cluster render',
  summary: 'write the host document of one host of a cluster',
  description: `Writes what vpc cluster apply would have the host's vpcd do, as vpc apply takes it. It follows from the
    file alone: each machine writes the same, and ids and MAC addresses follow from names.`,
  options: { host: hostOption },
  positionals: [{ name: 'FILE', help: 'the cluster file, YAML' }],
  examples: [
    { line: 'vpc cluster render cluster.yaml --host h1', does: 'see what host h1 is told' },
    { line: 'vpc cluster render cluster.yaml --host h1 | ssh h1 vpc apply -', does: 'have another machine do it' },
  ],
  async run({ host }, { output }, [path]) {
    const { name, document } = await ClusterHost.read(path!, host)
    output.result(document, () =>
      formatHostFile(document, [`# Host ${name} of ${path}, written by vpc cluster render. Change that file instead.`]),
    )
  },
})
