/** `vpc vmnic get`. */
import { command } from '../../command.ts'
import { vmnicId } from '../../id-options.ts'
import { flag } from '../../option.ts'
import { mtuText } from '../../mtu-setting.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'
import { ownerText } from '../../vmnic-owner.ts'

const counterColumns = ['QUEUE', 'FROM GUEST', 'BYTES', 'TO GUEST', 'BYTES', 'DROPPED'].map((title) => ({ title, align: 'right' as const }))

export default command({
  path: 'vmnic get',
  summary: 'show a vmnic',
  options: { vmnicId, numQueues: flag('show only the number of queues').short('n'), counters: flag('show what went through each queue') },
  examples: [
    { line: 'vpc vmnic get vmnic0', does: 'its settings and its port' },
    { line: 'vpc vmnic get vmnic0 -n', does: 'the number of its queues' },
  ],
  async run({ vmnicId: id, numQueues, counters }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openVmnic(id)
    const info = await object.describe()
    if (numQueues) return output.result({ queues: info.queues }, String(info.queues))
    if (counters) {
      const stats = await object.queueStats()
      return output.result(stats, { columns: counterColumns, rows: stats.map((each) => Object.values(each)) })
    }
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['device', info.device],
          ['mac', info.mac],
          ['mtu', mtuText(info)],
          ['queues', info.queues],
          ['frozen', info.frozen ? 'yes' : 'no'],
          ['owner', ownerText(info)],
          ['port', nameOf(info.port)],
        ],
        output.style,
      ),
    )
  },
})
