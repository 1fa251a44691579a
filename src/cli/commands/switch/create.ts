/** `vpc switch create`. */
import type { SwitchInfo } from '#abi/info.ts'
import type { Switch } from '#client/switch.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, newName, switchId } from '../../id-options.ts'
import { vniOption } from '../../kinds.ts'
import { setting } from '../../setting.ts'

export default command({
  path: 'switch create',
  summary: 'create a switch',
  description: `A switch forwards the frames of one customer, over any number of subnets. New ports get its VNI, and
    each port may be given another. If the switch exists with the same VNI, nothing changes.`,
  options: {
    switchId: fresh(switchId, 'vpcsw'),
    vni: vniOption('VNI that ports get when they are added; 0: not encapsulated').defaultsTo('0'),
  },
  positionals: [newName],
  examples: [
    { line: 'vpc switch create red --vni=123', does: 'a switch whose ports are in VNI 123' },
    { line: 'vpc switch create --vni=123 --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468', does: 'with an id of your own' },
  ],
  async run({ switchId: id, vni }, context, [name]) {
    await createObject<SwitchInfo, Switch>(context, {
      type: 'vpcsw',
      id,
      name,
      open: (client, given, options) => client.openSwitch(given, options),
      settings: setting<Switch, SwitchInfo, number>(
        'vni',
        vni,
        (info) => info.vni,
        (object, value) => object.setVni(value),
      ),
      change: 'vpc switch set --switch-id',
    })
  },
})
