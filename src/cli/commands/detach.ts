/** `vpc detach`. */
import { markProcess } from '#system/process-mark.ts'
import { command } from '../command.ts'
import { guestKey, guestOptions, guestText } from '../guest-options.ts'
import { detach, keyOfProcess } from '../local-attachment.ts'
import { switchId } from '../id-options.ts'
import { alreadySo, done } from '../outcome.ts'

export default command({
  path: 'detach',
  summary: 'take an interface away that vpc attach gave to a container',
  description: `Removes the hostif and the port. Repeating it changes nothing. The namespace, the process or the container may be gone already.`,
  options: { switchId, ...guestOptions },
  examples: [{ line: 'vpc detach red --netns=web', does: 'namespace web has its eth0 no more' }],
  async run({ switchId: id, netns, pid, container, as }, { vpc, output }) {
    const client = await vpc()
    const given = { netns, pid, container }
    // A process that has ended: what was handed to it has its number.
    const key = pid !== undefined && markProcess(pid) === undefined ? await keyOfProcess(client, pid) : undefined
    const said = `${as} of ${guestText(given)}`
    if (await detach(client, id, { key: key ?? guestKey(given), name: as })) done(output, `detached ${said}`, { switch: id })
    else alreadySo(output, `there is no ${said} in this switch`, { switch: id })
  },
})
