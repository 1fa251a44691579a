/** `vpc address-set add`. */
import { networks } from '#abi/group-rule.ts'
import { addToList } from '../../change-list.ts'
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'
import { valueOption } from '../../option.ts'

const network = valueOption<string>('network or address', { placeholder: 'NETWORK', parse: (text) => networks.text.parse(text) as never })

export default command({
  path: 'address-set add',
  summary: 'put networks into an address set',
  description: `Adds all of the given networks, or none.`,
  options: { addressSetId, network: network.repeated },
  examples: [{ line: 'vpc address-set add offices --network=198.51.100.0/24', does: 'one network' }],
  async run({ addressSetId: id, network: asked }, { vpc, output }) {
    await using object = await (await vpc()).openAddressSet(id, { write: true })
    const info = await object.describe()
    await addToList(output, info, { key: 'networks', noun: 'network', asked, known: info.networks }, (rest) => object.addNetworks(rest))
  },
})
