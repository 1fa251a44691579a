/** `vpc libvirt list`. */
import { command } from '../../command.ts'
import { mustBeRoot, stateDir } from '../../libvirt/options.ts'
import { recordsOf } from '../../libvirt/record.ts'

export default command({
  path: 'libvirt list',
  summary: "list the interfaces that libvirt's domains have of vpc",
  options: { stateDir },
  examples: [{ line: 'vpc libvirt list', does: 'domains with their interfaces' }],
  async run({ stateDir: directory }, { output }) {
    mustBeRoot()
    const all = recordsOf(directory)
    output.result(all, {
      columns: ['DOMAIN', 'DEV', 'MAC', 'IN'],
      rows: all.map(({ name, dev, mac, made }) => [name, dev, mac, made.in === 'cloud' ? `vnic ${made.vnic}` : `port ${made.port}`]),
    })
  },
})
