/** `vpc cluster check FILE`. */
import { readClusterFile } from '#cluster/cluster-file.ts'
import { formatIp } from '#wire/ip-address.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'

export default command({
  path: 'cluster check',
  summary: 'check a cluster file',
  description: `Reads the file and says everything that is wrong with it, each by line and key. Shows its hosts and their
    guests. Asks no host: any machine can do it.`,
  positionals: [{ name: 'FILE', help: 'the cluster file, YAML' }],
  examples: [{ line: 'vpc cluster check examples/cluster/two-hosts.yaml', does: 'check a file before it goes to the hosts' }],
  async run(_, { output }, [path]) {
    const { name, hosts, guests } = await tellingLabErrors(() => readClusterFile(path!))
    const shown = hosts.map((host) => ({
      name: host.name,
      address: formatIp(host.address),
      device: host.device,
      guests: guests.filter((guest) => guest.host === host.name).map((guest) => guest.name),
    }))
    output.result({ name, hosts: shown }, () => ({
      columns: ['HOST', 'ADDRESS', 'INTERFACE', 'GUESTS'],
      rows: shown.map((host) => [host.name, host.address, host.device, host.guests.join(' ')]),
    }))
  },
})
