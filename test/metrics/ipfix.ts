/** Flows that a flow log has sent as IPFIX, as tshark reads them, and the same of records. */
import { execFileSync } from 'node:child_process'
import type { FlowRecord } from '#flow-log/record.ts'

/** A port where nobody listens: tcpdump sees what is sent there. */
export const collectorPort = 4739

/** Arguments of a tcpdump that writes what is sent there. */
export const collectorArgs = (capture: string): string[] =>
  ['-U', '--immediate-mode', '-nn', '-Z', 'root', '-i', 'lo', '-w', capture].concat(`udp and port ${collectorPort}`)

/** The flows that tshark reads from messages of IPFIX. */
export function ipfixIn(capture: string): string[] {
  const fields = ['srcaddr', 'srcport', 'dstaddr', 'dstport', 'protocol', 'packets', 'octets', 'firewall_event']
  const args = [
    '-r',
    capture,
    '-d',
    `udp.port==${collectorPort},cflow`,
    '-T',
    'fields',
    ...fields.flatMap((name) => ['-e', `cflow.${name}`]),
  ]
  const lines = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trimEnd()
    .split('\n')
  return lines.flatMap((line) => {
    const [source, ...more] = line.split('\t').map((values) => values.split(',').filter(Boolean))
    const [sourcePort, destination, destinationPort, protocol, packets, bytes, event] = more as string[][]
    // Two counters of each record: of the packets, and of the answers.
    const both = (values: string[], i: number): number[] => values.slice(2 * i, 2 * i + 2).map(Number)
    return source!.map((address, i) =>
      [address, sourcePort![i], destination![i], destinationPort![i], protocol![i], both(packets!, i), both(bytes!, i), event![i]].join(
        ' ',
      ),
    )
  })
}

/** The same, from records of a file. */
export function ipfixOf(records: readonly FlowRecord[]): string[] {
  const numbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 }
  const events: Readonly<Record<string, number>> = { end: 2, denied: 3, continues: 5 }
  const sent = records.filter(({ event, source }) => event in events && source?.includes('.'))
  return sent.map((each) =>
    [
      each.source,
      each.sourcePort ?? 0,
      each.destination,
      each.destinationPort ?? 0,
      numbers[each.protocol!],
      [each.packets, each.packetsBack],
      [each.bytes, each.bytesBack],
      events[each.event],
    ].join(' '),
  )
}
