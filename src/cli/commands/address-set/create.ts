/** `vpc address-set create`. */
import type { AddressSetInfo } from '#abi/info.ts'
import type { AddressSet } from '#client/address-set.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { addressSetId, fresh, newName, switchId } from '../../id-options.ts'
import { text } from '../../option.ts'
import { setting } from '../../setting.ts'

export default command({
  path: 'address-set create',
  summary: 'create an address set',
  description: `An address set belongs to a switch. Rules of security groups name it as a peer.`,
  options: { addressSetId: fresh(addressSetId, 'set'), switchId, name: text('display name', 'NAME') },
  positionals: [newName],
  examples: [{ line: 'vpc address-set create red offices', does: 'a set of a switch, for the networks of all offices' }],
  async run({ addressSetId: id, switchId: sw, name: display }, context, [name = display]) {
    await createObject<AddressSetInfo, AddressSet>(context, {
      type: 'set',
      id,
      name,
      isSame: (info) => info.switch === sw,
      open: (client, given, options) => client.openAddressSet(given, options),
      settings: [
        ...setting<AddressSet, AddressSetInfo, string>(
          'switch',
          sw,
          (info) => info.switch ?? 'none',
          (object, value) => object.setSwitch(value as typeof sw),
        ),
      ],
      change: 'vpc address-set set --address-set-id',
    })
  },
})
