/** `vpc switch neighbour clear-used`. */
import { command } from '../../../command.ts'
import { switchId } from '../../../id-options.ts'
import { done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch neighbour clear-used',
  summary: 'clear the flag used of all neighbours',
  description: `Clears the flag used of every neighbour. A neighbour gets it again when a question is answered with it.
    Some time later, vpc switch neighbour list shows which neighbours nobody asks for.`,
  options: { switchId },
  examples: [{ line: 'vpc switch neighbour clear-used red', does: 'begin to watch' }],
  async run({ switchId: id }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id, { write: true })
    await object.clearUsedNeighbours()
    done(output, `${unitText(await object.describe())}: no neighbour counts as used`, { id })
  },
})
