/** `vpc group create`. */
import type { GroupInfo } from '#abi/info.ts'
import type { Group } from '#client/group.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, groupId, newName, switchId } from '../../id-options.ts'
import { text } from '../../option.ts'
import { setting } from '../../setting.ts'

export default command({
  path: 'group create',
  summary: 'create a security group',
  description: `A security group belongs to a switch. It says who may talk to the ports that are in it. A group without rules lets nothing in, and
    everything out.`,
  options: { groupId: fresh(groupId, 'group'), switchId, name: text('display name', 'NAME') },
  positionals: [newName],
  examples: [{ line: 'vpc group create red web', does: 'a group of a switch, for web servers' }],
  async run({ groupId: id, switchId: sw, name: display }, context, [name = display]) {
    await createObject<GroupInfo, Group>(context, {
      type: 'group',
      id,
      name,
      isSame: (info) => info.switch === sw,
      open: (client, given, options) => client.openGroup(given, options),
      settings: [
        ...setting<Group, GroupInfo, string>(
          'switch',
          sw,
          (info) => info.switch ?? 'none',
          (object, value) => object.setSwitch(value as typeof sw),
        ),
      ],
      change: 'vpc group set --group-id',
    })
  },
})
