/** `vpc nat block list`. */
import { command } from '../../../command.ts'
import { natId } from '../../../id-options.ts'

export default command({
  path: 'nat block list',
  summary: 'list the blocks of public ports that stations have of a NAT',
  description: `Stations without a floating address share the NAT's shared addresses. Each has blocks of 64 ports of its
    own, for TCP, UDP and pings apart. The log of vpcd says when a station got a block and when it gave it back.`,
  options: { natId },
  examples: [{ line: 'vpc nat block list outside', does: 'who has which ports, and uses how many' }],
  async run({ natId: id }, { vpc, output }) {
    await using nat = await (await vpc()).openNat(id)
    const blocks = await nat.listBlocks()
    const right = (title: string) => ({ title, align: 'right' }) as const
    const columns = ['INSIDE', 'ADDRESS', 'PORTS', right('TCP'), right('UDP'), right('PING'), right('AGE')]
    output.result(blocks, () => ({
      columns,
      rows: blocks.map(({ inside, address, firstPort, lastPort, used, ageSeconds }) => {
        return [inside, address, `${firstPort}-${lastPort}`, used.tcp, used.udp, used.icmp, ageSeconds]
      }),
    }))
  },
})
