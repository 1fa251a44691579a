/** `vpc address-set add`. */
import { networks } from '#abi/group-rule.ts'
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'
import { valueOption } from '../../option.ts'
import { done, unitText } from '../../outcome.ts'

const network = valueOption<string>('network or address', { placeholder: 'NETWORK', parse: (text) => networks.text.parse(text) as never })

export default command({
  path: 'address-set add',
  summary: 'put networks into an address set',
  description: `Adds all of the given networks, or none.`,
  options: { addressSetId, network: network.repeated },
  examples: [
    { line: 'vpc address-set add --address-set-id=7d8b3f04-1f77-11e8-8042-0cc47a6c7d1e --network=198.51.100.0/24', does: 'one network' },
  ],
  async run({ addressSetId: id, network: asked }, { vpc, output }) {
    await using object = await (await vpc()).openAddressSet(id, { write: true })
    await object.addNetworks(asked)
    done(output, `${unitText(await object.describe())}: ${asked.length} networks added`, { id, networks: asked })
  },
})
