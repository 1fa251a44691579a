/** `vpc stats`. */
import type { SourceStats } from '#abi/info.ts'
import { command } from '../command.ts'
import { dropCount } from '../drop-text.ts'
import type { Column } from '../table.ts'

const counter = (title: string): Column => ({ title, align: 'right' })

const columns: (readonly [Column | string, (stats: SourceStats) => string | number])[] = [
  ['UNIT', ({ unit }) => unit],
  ['INTERFACE', ({ peerUnit }) => peerUnit ?? '-'],
  [counter('RX PACKETS'), ({ rxPackets }) => rxPackets],
  [counter('RX BYTES'), ({ rxBytes }) => rxBytes],
  [counter('TX PACKETS'), ({ txPackets }) => txPackets],
  [counter('TX BYTES'), ({ txBytes }) => txBytes],
  [counter('ANSWERED'), ({ answered }) => answered],
  [counter('FLOODED'), ({ flooded }) => flooded],
  [counter('MISSED'), ({ missed }) => missed],
  [counter('UNTOLD'), ({ lostQuestions }) => lostQuestions],
  [counter('TOO BIG'), ({ tooBig }) => tooBig],
  [counter('LIMITED'), ({ txLimited }) => txLimited],
  [counter('DROPPED'), dropCount],
]

export default command({
  path: 'stats',
  summary: 'show the counters of ports and muxes',
  description: `RX counts packets from the interface of a port, or from other hosts through a mux; TX counts packets to
    it. ANSWERED counts ARP and ND questions that this host answered. MISSED counts ARP and ND questions without an
    answer, and DHCP requests, that became events for listeners; UNTOLD counts those that did not, because the port
    asked too fast or nobody read in time. FLOODED counts packets that were replicated, TOO BIG packets that were
    answered with an ICMP error. LIMITED counts packets for the interface that its port's rate limits kept back. vpc
    drops says why packets were dropped; of those that a healthy network drops, too, it tells with --json alone.`,
  examples: [
    { line: 'vpc stats', does: 'every port and mux' },
    { line: 'watch -d vpc stats', does: 'see what changes' },
  ],
  async run(_, { vpc, output }) {
    await using mgmt = await (await vpc()).mgmt()
    const stats = await mgmt.stats()
    output.result(stats, { columns: columns.map(([column]) => column), rows: stats.map((each) => columns.map(([, text]) => text(each))) })
  },
})
