/** `vpc address-set get`. */
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'

export default command({
  path: 'address-set get',
  summary: 'show the networks of an address set',
  options: { addressSetId },
  examples: [{ line: 'vpc address-set get offices', does: 'its networks' }],
  async run({ addressSetId: id }, { vpc, output }) {
    await using object = await (await vpc()).openAddressSet(id)
    const info = await object.describe()
    output.result(info, { columns: ['NETWORK'], rows: info.networks.map((network) => [network]) })
  },
})
