/** `vpc mux fte clear-used`. */
import { command } from '../../../command.ts'
import { muxId } from '../../../id-options.ts'
import { done, unitText } from '../../../outcome.ts'

export default command({
  path: 'mux fte clear-used',
  summary: 'clear the flag used of all forwarding entries',
  description: `Clears the flag used of every entry. An entry gets it again with the next packet that uses it. Some time
    later, vpc mux fte list shows which entries nobody needs.`,
  options: { muxId },
  examples: [{ line: 'vpc mux fte clear-used vpcmux0', does: 'begin to watch' }],
  async run({ muxId: id }, { vpc, output }) {
    await using mux = await (await vpc()).openMux(id, { write: true })
    await mux.clearUsed()
    done(output, `${unitText(await mux.describe())}: no entry counts as used`, { id })
  },
})
