/** `vpc detach`. */
import { markProcess } from '#system/process-mark.ts'
import { command } from '../command.ts'
import { checkOne, guestKey, guestOptions, guestText } from '../guest-options.ts'
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
    const given = { netns, pid, container }
    checkOne(given)
    const client = await vpc()
    // A process that has ended: what was handed to it has its number. Nothing has the key of a number alone.
    const hasEnded = pid !== undefined && markProcess(pid) === undefined
    const key = hasEnded ? ((await keyOfProcess(client, pid)) ?? `pid:${pid}`) : guestKey(given)
    const said = `${as} of ${guestText(given)}`
    if (await detach(client, id, { key, name: as })) done(output, `detached ${said}`, { switch: id })
    else alreadySo(output, `there is no ${said} in this switch`, { switch: id })
  },
})
