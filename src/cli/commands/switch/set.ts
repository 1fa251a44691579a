/** `vpc switch set`. */
import type { SwitchInfo } from '#abi/info.ts'
import type { Switch } from '#client/switch.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { switchId } from '../../id-options.ts'
import { vniOption } from '../../kinds.ts'
import { choice, flag } from '../../option.ts'
import { changeSettings, setting } from '../../setting.ts'

export default command({
  path: 'switch set',
  summary: 'change settings of a switch',
  description: `All of the settings that are given are made, or none. A new VNI is for ports that are added from then on. A switch that is
    down drops every frame, with the reason switch_down.`,
  options: {
    switchId,
    vni: vniOption('VNI that ports get when they are added'),
    floodUnknown: choice('flood ARP and ND questions that the neighbour table does not answer', ['on', 'off']),
    up: flag('forward'),
    down: flag('stop forwarding'),
  },
  examples: [
    {
      line: 'vpc switch set --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468 --flood-unknown=on',
      does: 'let guests find others that no table knows',
    },
    { line: 'vpc switch set --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468 --down', does: 'stop forwarding' },
  ],
  async run({ switchId: id, vni, floodUnknown, up, down }, { vpc, output }) {
    if (up && down) throw usageFailure('--up and --down exclude each other')
    const settings = [
      ...setting<Switch, SwitchInfo, number>(
        'vni',
        vni,
        (info) => info.vni,
        (object, value) => object.setVni(value),
      ),
      ...setting<Switch, SwitchInfo, boolean>(
        'flood-unknown',
        floodUnknown === undefined ? undefined : floodUnknown === 'on',
        (info) => info.floodUnknown,
        (object, value) => object.setFloodUnknown(value),
      ),
      ...setting<Switch, SwitchInfo, boolean>(
        'up',
        up || down ? up : undefined,
        (info) => info.up,
        (object, value) => object.setUp(value),
      ),
    ]
    if (settings.length === 0) throw usageFailure('nothing to set; give --vni, --flood-unknown, --up or --down')
    await using object = await (await vpc()).openSwitch(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
