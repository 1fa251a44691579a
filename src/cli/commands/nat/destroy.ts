/** `vpc nat destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { natId } from '../../id-options.ts'

export default command({
  path: 'nat destroy',
  summary: 'destroy a NAT',
  description: `Its public addresses are free at once. Destroying a NAT that does not exist changes nothing.`,
  options: { natId },
  examples: [{ line: 'vpc nat destroy outside', does: 'destroy it' }],
  async run({ natId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openNat(id, options), 'NAT', id)
  },
})
