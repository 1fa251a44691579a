/** `vpc flow export`. */
import { command } from '../../command.ts'
import { portId } from '../../id-options.ts'
import { integer } from '../../option.ts'

export default command({
  path: 'flow export',
  summary: 'write the flows of a port as a document, for a guest that moves',
  description: `The document is JSON. It has ages instead of times, and rules by the ids of their groups, so another host
    can take it with vpc flow import. Flows with the latest packets come first; the document has 25 000 at most.

    --within leaves out flows without a packet in so many seconds. So a second document, right before the guest moves,
    is short.`,
  options: { portId, within: integer('only flows with a packet in so many seconds', 'SECONDS', 0, 0xffff_ffff).default(0) },
  examples: [{ line: 'vpc flow export web > flows.json', does: 'all flows of the port' }],
  async run({ portId: id, within }, { vpc, output }) {
    await using port = await (await vpc()).openPort(id)
    const document = await port.exportFlows(within)
    output.result(document, () => JSON.stringify(document))
  },
})
