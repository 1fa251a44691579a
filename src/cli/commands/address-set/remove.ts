/** `vpc address-set remove`. */
import { networks } from '#abi/group-rule.ts'
import { deleteFromList } from '../../change-list.ts'
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'
import { valueOption } from '../../option.ts'

const network = valueOption<string>('network or address', { placeholder: 'NETWORK', parse: (text) => networks.text.parse(text) as never })

export default command({
  path: 'address-set remove',
  summary: 'take networks out of an address set',
  description: `Deletes all of the given networks, or none.`,
  options: { addressSetId, network: network.repeated },
  examples: [{ line: 'vpc address-set remove offices --network=198.51.100.0/24', does: 'one network' }],
  async run({ addressSetId: id, network: asked }, { vpc, output }) {
    await using object = await (await vpc()).openAddressSet(id, { write: true })
    const info = await object.describe()
    await deleteFromList(output, info, { key: 'networks', noun: 'network', asked, known: info.networks }, (rest) =>
      object.deleteNetworks(rest),
    )
  },
})
