import { Bed } from './bed.ts'
import { vpc } from './peers/vpc.ts'
import { raw } from './peers/raw.ts'
import { bridgeVxlan } from './peers/bridge-vxlan.ts'
import { iperf } from './metrics/tcp.ts'
import { spread } from './spread.ts'
async function udp(bed: any, path: any, seconds: number) {
  const { end } = await iperf(bed, path, ['-u', '-b', '0', '-l', '64', '-t', String(seconds)])
  const rate = (end.sum.packets - end.sum.lost_packets) / end.sum.seconds
  return [rate, rate / (end.cpu_utilization_percent.host_total / 100)]
}
const conditions = { scope: (process.argv[2] ?? 'cross-host') as any, mtu: 1450, offload: true, entries: 1 }
await using b1 = new Bed('1')
await using b2 = new Bed('2')
await using b3 = new Bed('3')
await using b4 = new Bed('4')
const all: any[] = []
all.push(
  ['raw', b1, await raw.up(b1, conditions)],
  ['vpc', b2, await vpc.up(b2, conditions)],
  ['bridge', b4, await bridgeVxlan.up(b4, conditions)],
)
if (process.argv[4]) {
  const p3 = await vpc.up(b3, conditions)
  const hs = conditions.scope === 'same-host' ? ['h1'] : ['h1', 'h2']
  for (const h of hs) {
    const ns = (b3 as any).namespace
      ? [...(await import('node:fs')).readdirSync('/run/netns')].find((n) => n.endsWith('-3-' + h) && n.startsWith('vb' + process.pid))!
      : h
    const { execSync } = await import('node:child_process')
    const x = (c: string) => execSync(`ip netns exec ${ns} ${c}`).toString()
    x('ip link add vxroom type vxlan external dstport 4799')
    x('ip link add broom type bridge')
    x('ip link set vxroom master broom')
    for (const sw of x('ip -o link').match(/hostif\d+-sw/g)!) x(`ip link set ${sw} master broom`)
  }
  all.push(['headroom', b3, p3])
}
const res: Record<string, number[][]> = {}
for (let i = 0; i < Number(process.argv[3] ?? 8); i++) for (const [n, b, p] of all) (res[n] ??= []).push(await udp(b, p, 1))
for (const [n, v] of Object.entries(res))
  console.log(
    n,
    v.map((x) => Math.round(x[0]! / 1000)).join(' '),
    'median',
    Math.round(spread(v.map((x) => x[0]!)).median),
    'per cpu',
    Math.round(spread(v.map((x) => x[1]!)).median),
  )
