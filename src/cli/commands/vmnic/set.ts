/** `vpc vmnic set`. */
import type { VmnicInfo } from '#abi/info.ts'
import type { Vmnic } from '#client/vmnic.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { vmnicId } from '../../id-options.ts'
import { macOption, mtuOption } from '../../kinds.ts'
import { flag, text } from '../../option.ts'
import { mtuSetting } from '../../mtu-setting.ts'
import { changeSettings, setting } from '../../setting.ts'
import { settingOptions, settingsAsked } from '../../setting-options.ts'
import { ownerSetting } from '../../vmnic-owner.ts'

const vmnicOptions = settingOptions('vmnic')

export default command({
  path: 'vmnic set',
  summary: 'change settings of a vmnic',
  description: `Sets all of the given settings, or none. A frozen vmnic keeps its MAC address, MTU and queues, so that
    they do not change for a running guest. --unfreeze takes effect before the other settings, --freeze after them.`,
  options: {
    vmnicId,
    ...vmnicOptions,
    mac: macOption('MAC address that the guest sees').short('m'),
    mtu: mtuOption('largest packet in bytes'),
    freeze: flag('refuse changes').short('E'),
    unfreeze: flag('allow changes again'),
    ownerUser: text('user who may open its queues without being root', 'NAME'),
    ownerGroup: text('group whose members may', 'NAME').defaultsTo("with --owner-user, that user's"),
  },
  examples: [
    { line: 'vpc vmnic set vmnic0 --owner-user=qemu', does: 'let a hypervisor of that user open it' },
    { line: 'vpc vmnic set vmnic0 --num-queues=2', does: 'two queues' },
    { line: 'vpc vmnic set vmnic0 --mtu=1400 --freeze', does: 'set the MTU for good' },
  ],
  async run({ vmnicId: id, mac, mtu, freeze, unfreeze, ownerUser, ownerGroup, ...values }, { vpc, output }) {
    const frozen = (asked: boolean, value: boolean): ReturnType<typeof setting<Vmnic, VmnicInfo, boolean>> =>
      setting<Vmnic, VmnicInfo, boolean>(
        'frozen',
        asked ? value : undefined,
        (info) => info.frozen,
        (object, on) => (on ? object.freeze() : object.unfreeze()),
      )
    if (freeze && unfreeze) throw usageFailure('--freeze and --unfreeze exclude each other')
    const settings = [
      ...frozen(unfreeze, false),
      ...settingsAsked('vmnic', values),
      ...setting<Vmnic, VmnicInfo, string>(
        'mac',
        mac,
        (info) => info.mac,
        (object, value) => object.setMac(value),
      ),
      ...mtuSetting(mtu),
      ...(await ownerSetting({ user: ownerUser, group: ownerGroup })),
      ...frozen(freeze, true),
    ]
    if (settings.length === 0) throw usageFailure('nothing to set; see vpc vmnic set --help for what there is')
    await using object = await (await vpc()).openVmnic(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
