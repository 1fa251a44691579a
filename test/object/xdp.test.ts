/**
 * A container's XDP program in its interface's driver sees all packets to it: while there is one, packets take the
 * queue.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateId, idBytes } from '#abi/id.ts'
import type { HostifInfo } from '#abi/info.ts'
import { dstFlag } from '#datapath/layout.ts'
import { formatMac } from '#wire/mac.ts'
import { Container } from './container.ts'
import { neighbour, vni } from './inputs.ts'
import { ScratchHost, type Opened } from './scratch-host.ts'

const VNI = 5001
/** Drops all. */
const program = `
__attribute__((section("xdp.frags"), used)) int drop_all(void *context) { return 1; }
char gpl[] __attribute__((section("license"), used)) = "GPL";`

let directory: string
let object: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-xdp-'))
  object = join(directory, 'drop.o')
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-x', 'c', '-c', '-', '-o', object], { input: program })
})
after(() => rmSync(directory, { recursive: true }))

async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (holds()) return
    await sleep(20)
  }
  assert.fail(`never came true: ${String(holds)}`)
}

/** A hostif in a port of the switch, moved into a container. */
function move(host: ScratchHost, sw: Opened, container: Container, number: number): Opened {
  const port = generateId('vpcp')
  sw.do('vpcswPortAdd', idBytes(port))
  const hostif = host.create('hostif')
  host.open('vpcp', port).do('vpcpConnect', idBytes(hostif.id))
  sw.do('vpcswNeighbourSet', neighbour(VNI, `10.0.0.${number}`, formatMac(hostif.handle.object!.mac)))
  container.take(host.netlink, `hostif${number - 1}`, `10.0.0.${number}`)
  return hostif
}

test('a native XDP program in a container gets what comes, after a restart of vpcd too', async () => {
  await using host = new ScratchHost()
  using one = new Container()
  using two = new Container()
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(VNI))
  const hostifs = [move(host, sw, one, 1), move(host, sw, two, 2)]
  const { mac } = hostifs[1]!.handle.object!
  const straight = (): boolean => host.datapath.tables.fdb.get({ segment: VNI, mac })?.flags === dstFlag.peer
  const set = (...what: string[]): Promise<string> => two.run('ip', 'link', 'set', 'dev', 'hostif1', ...what)
  const received = async (): Promise<number> =>
    Number(/(\d+) received/.exec(await one.run('ping', '-n', '-c', '3', '-i', '0.05', '-W', '0.5', '10.0.0.2'))?.[1])
  await eventually(straight)
  assert.equal(await received(), 3)
  const xdp = (): boolean => host.open('hostif', hostifs[1]!.id).describe<HostifInfo>().xdp

  await set('xdpdrv', 'obj', object, 'sec', 'xdp.frags')
  await eventually(() => !straight())
  assert.deepEqual([await received(), xdp()], [0, true])

  for (const opened of [sw, ...hostifs]) opened.do('metaCommit')
  await host.kill()
  host.start()
  assert.deepEqual([straight(), xdp(), await received()], [false, true, 0])

  await set('xdpdrv', 'off')
  await eventually(straight)
  assert.deepEqual([await received(), xdp()], [3, false])

  // A generic XDP program sees packets on either way.
  await set('xdpgeneric', 'obj', object, 'sec', 'xdp.frags')
  assert.deepEqual([await received(), straight()], [0, true])
  await set('xdpgeneric', 'off')
})
