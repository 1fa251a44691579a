/** `vpc cluster plan FILE`. */
import { showChanges } from '../../apply-document.ts'
import { ClusterHost, hostOption } from '../../cluster-host.ts'
import { command } from '../../command.ts'

export default command({
  path: 'cluster plan',
  summary: 'say what a cluster file would change on this host',
  description: `Compares this host with the file, and shows a line for each object that differs. Nothing is changed.`,
  options: { host: hostOption },
  positionals: [{ name: 'FILE', help: 'the cluster file, YAML' }],
  examples: [{ line: 'vpc cluster plan cluster.yaml --host h1', does: 'this machine is h1 of the file' }],
  async run({ host }, { vpc, output }, [path]) {
    const cluster = await ClusterHost.read(path!, host)
    await using mgmt = await (await vpc()).mgmt()
    try {
      showChanges(await mgmt.plan(cluster.document), true, output)
    } catch (error) {
      throw cluster.explain(error)
    }
  },
})
