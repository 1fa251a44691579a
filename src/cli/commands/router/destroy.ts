/** `vpc router destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { routerId } from '../../id-options.ts'

export default command({
  path: 'router destroy',
  summary: 'destroy a router',
  description: `Its subnets stay, each by itself; routes of other routers to it are removed. Destroying a router that
    does not exist changes nothing.`,
  options: { routerId },
  examples: [{ line: 'vpc router destroy main', does: 'destroy it' }],
  async run({ routerId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openRouter(id, options), 'router', id)
  },
})
