/** UDP messages of 64 bytes, sent as fast as one sender can: how many arrive. */
import type { Bed } from '../bed.ts'
import type { Path } from '../peer.ts'
import { iperf } from './tcp.ts'

/** Messages RECEIVED per second. */
export async function udp(bed: Bed, path: Path, seconds: number): Promise<number> {
  const { end } = await iperf(bed, path, ['-u', '-b', '0', '-l', '64', '-t', String(seconds)])
  return (end.sum.packets - end.sum.lost_packets) / end.sum.seconds
}
