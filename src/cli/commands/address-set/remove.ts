/** `vpc address-set remove`. */
import { networks } from '#abi/group-rule.ts'
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'
import { valueOption } from '../../option.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

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
    const rest = asked.filter((each) => info.networks.includes(each))
    if (rest.length === 0) return alreadySo(output, `${unitText(info)} has no such network`, { id, networks: asked })
    await object.deleteNetworks(rest)
    done(output, `${unitText(info)}: ${rest.length} networks deleted`, { id, networks: asked })
  },
})
