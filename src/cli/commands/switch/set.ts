/** `vpc switch set`. */
import type { SwitchInfo } from '#abi/info.ts'
import type { Switch } from '#client/switch.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { switchId } from '../../id-options.ts'
import { flag } from '../../option.ts'
import { changeSettings, setting } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

/** That it forwards has two words of its own. */
const switchOptions = settingOptions('vpcsw', { but: ['up'] })

export default command({
  path: 'switch set',
  summary: 'change settings of a switch',
  description: `Sets all of the given settings, or none. A new VNI is for ports that are added from then on. A switch
    that is down drops every frame, with the reason switch_down.`,
  options: {
    switchId,
    ...switchOptions,
    up: flag('forward'),
    down: flag('stop forwarding'),
  },
  examples: [
    {
      line: 'vpc switch set red --flood-unknown=on',
      does: 'let guests find stations that are in no table',
    },
    { line: 'vpc switch set red --down', does: 'stop forwarding' },
  ],
  async run({ switchId: id, up, down, ...values }, { vpc, output }) {
    if (up && down) throw usageFailure('--up and --down exclude each other')
    const settings = [
      ...settingsAsked('vpcsw', values, { but: ['up'] }),
      ...setting<Switch, SwitchInfo, boolean>(
        'up',
        up || down ? up : undefined,
        (info) => info.up,
        (object, value) => object.setUp(value),
      ),
    ]
    checkAsked(settings, switchOptions, ['up', 'down'])
    await using object = await (await vpc()).openSwitch(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
