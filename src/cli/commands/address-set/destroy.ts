/** `vpc address-set destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { addressSetId } from '../../id-options.ts'

export default command({
  path: 'address-set destroy',
  summary: 'destroy an address set',
  description: `A set that rules name as a peer is refused. Destroying a set that does not exist changes nothing.`,
  options: { addressSetId },
  examples: [{ line: 'vpc address-set destroy offices', does: 'destroy it' }],
  async run({ addressSetId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openAddressSet(id, options), 'address set', id)
  },
})
