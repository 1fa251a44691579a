/**
 * Real connections as a flow log and as a capture have them. The log is written by a process without privileges: each
 * connection appears once, with the packets that tcpdump has seen of it, and refused ones with their reason. Captures
 * are read by tshark. Needs root.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { writeObjects } from '#feed/objects-file.ts'
import type { FlowRecord } from '#flow-log/record.ts'
import { close } from '#kernel/libc.ts'
import { Netns } from '#kernel/netns.ts'
import { openTapQueue } from '#kernel/tap.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import type { Checkpoint } from '#flow-log/checkpoint.ts'
import { checkLog } from '../log-lines.ts'
import { Asker, checkRestarts, recordsIn, type RestartScene } from './log-restart.ts'
import { said, until } from './wait.ts'
import { collectorArgs, collectorPort, ipfixIn, ipfixOf } from './ipfix.ts'
import { TestHost } from '../daemon/test-host.ts'

const nobody = 65_534
const logId = '00000000-0000-4000-8000-000000000030'
const vnic = '00000000-0000-4000-8000-000000000020'
const addresses = ['10.0.0.1', '10.0.0.2'] as const
const firstPort = 40_100
const connections = 12

let host: TestHost
let directory: string
const running: ChildProcess[] = []
const server = generateId('vpcp')
const [switchId, groupId] = [generateId('vpcsw'), generateId('group')]
/** Unit name of the interface in that port. */
let unitOf = ''
/** It asks while logs end and start. */
let asker: Asker

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-flow-log-'))
  chmodSync(directory, 0o755)
  host = TestHost.create()
  chmodSync(host.directory, 0o755)
  const policy = join(directory, 'policy.yaml')
  writeFileSync(policy, `rules:\n  - user: ${nobody}\n    types: [mgmt]\n    rights: [read]\n`)
  await host.start({ args: ['--policy', policy] })
  await makeGuests()
})

after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await host[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** Two guests; the second is in a group that lets TCP port 80 and UDP port 9 in. */
async function makeGuests(): Promise<void> {
  const { vpc } = host
  const create = { create: true }
  await using sw = await vpc.openSwitch(switchId, create)
  await sw.setVni(5001)
  await sw.commit()
  await using group = await vpc.openGroup(groupId, create)
  await group.setSwitch(switchId)
  await group.addRules([
    { id: '10', direction: 'in', protocol: 'tcp', ports: ['80'] },
    { id: '20', direction: 'in', protocol: 'udp', ports: ['9'] },
  ])
  await group.commit()
  for (const [i, address] of addresses.entries()) {
    const [unitId, portId] = [generateId('hostif'), i === 1 ? server : generateId('vpcp')]
    await using unit = await vpc.openHostif(unitId, create)
    await unit.commit()
    await sw.addPort(portId)
    await using port = await vpc.openPort(portId, { write: true })
    await port.connect(unitId)
    await port.setAddresses([address])
    if (i === 1) await port.setGroups([groupId])
    unitOf = (await unit.describe()).unit
    host.guest(`g${i}`, unitOf, `${address}/24`)
    await sw.setNeighbours([{ vni: 5001, address, mac: await unit.mac() }])
  }
}

const inGuest = (n: 0 | 1, ...command: string[]): string[] => ['netns', 'exec', host.guestName(`g${n}`), ...command]

function begin(command: string, args: readonly string[], options: object = {}): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  running.push(child)
  return child
}

const restartScene = (): RestartScene => {
  const env = { ...process.env, VPC_SOCKET: host.socketPath }
  return { file: join(directory, 'log/flows.json'), begin, inGuest, as: { uid: nobody, gid: nobody, env } }
}

/** Start the log, as nobody. Gives its file. */
async function startLog(url: string): Promise<{ readonly child: ChildProcess; readonly file: string; readonly log: () => string }> {
  const [own, stateDir] = [join(directory, 'log'), join(directory, 'agent')]
  mkdirSync(own)
  chownSync(own, nobody, nobody)
  mkdirSync(stateDir)
  chmodSync(stateDir, 0o755)
  const flowLogs = [
    { id: logId, destination: 'refused', verdict: 'denied', sample: 1 },
    { id: logId, destination: 'unknown', verdict: 'all', sample: 1 },
  ] as const
  writeObjects(stateDir, { [server]: { kind: 'vnic', id: vnic, flowLogs } })
  const file = join(own, 'flows.json')
  const args = [
    'flow',
    'log',
    '--interval=1',
    '--idle=5',
    '--file',
    file,
    '--http',
    url,
    '--place',
    `refused=file:${file}.refused`,
    '--state-dir',
    stateDir,
    '--log-level=info',
    `--ipfix=127.0.0.1:${collectorPort}`,
    `--checkpoint=${file}.checkpoint`,
  ]
  const child = begin(vpcPath, args, restartScene().as)
  const log = await said(child, /flow log started/)
  return { child, file, log }
}

/** What tcpdump has seen of a connection, by who sent it. */
function seen(capture: string, port: number): { readonly packets: number; readonly packetsBack: number } {
  const count = (filter: string): number =>
    execFileSync('tcpdump', ['-nn', '-r', capture, ...filter.split(' ')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter((line) => line !== '').length
  return { packets: count(`src ${addresses[0]} and src port ${port}`), packetsBack: count(`dst ${addresses[0]} and dst port ${port}`) }
}

test('each connection is one record with the packets that passed; refused ones have their reason; a late server gets all', async () => {
  // A place that is away at first: nobody listens there yet.
  const bodies: string[] = []
  const late = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => void bodies.push(text))
    request.on('end', () => response.end())
  })
  late.listen(0, '127.0.0.1')
  await once(late, 'listening')
  const { port } = late.address() as { port: number }
  late.close()
  const ipfix = join(directory, 'ipfix.pcap')
  const collector = begin('tcpdump', collectorArgs(ipfix))
  await said(collector, /listening on/)
  const { child, file, log } = await startLog(`http://127.0.0.1:${port}/`)
  const capture = join(directory, 'seen.pcap')
  const tcpdump = begin('ip', inGuest(1, 'tcpdump', '-U', '-nn', '-Z', 'root', '-w', capture, 'tcp or udp'))
  await said(tcpdump, /listening on/)
  writeFileSync(join(directory, 'page'), 'x'.repeat(900))
  begin('ip', inGuest(1, 'python3', '-m', 'http.server', '80', '-d', directory), { stdio: 'ignore' })
  const curl = (...args: string[]) =>
    spawnSync('ip', inGuest(0, 'curl', '-sS', '--noproxy', '*', '-o', '/dev/null', ...args), { encoding: 'utf8' })
  // Not from a port of those below, which the kernel could choose.
  await until('the web server', () => curl('--max-time', '2', '--local-port', '40200-40290', 'http://10.0.0.2/page').status === 0)
  for (let i = 0; i < connections; i++) {
    const { status, stderr } = curl('--max-time', '20', '--local-port', String(firstPort + i), 'http://10.0.0.2/page')
    assert.equal(status, 0, stderr)
  }
  curl('--max-time', '1', '--local-port', '40300', 'http://10.0.0.2:81/')
  await until('a first record', () => existsSync(file))
  late.listen(port, '127.0.0.1')
  const udp =
    'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 40400)); [s.sendto(b"x" * 100, ("10.0.0.2", 9)) for _ in range(5)]'
  execFileSync('ip', inGuest(0, 'python3', '-c', udp))
  const isMine = ({ sourcePort }: FlowRecord): boolean =>
    sourcePort !== null && sourcePort >= firstPort && sourcePort < firstPort + connections
  const records = await until('all records', () => {
    const found = existsSync(file) ? recordsIn(readFileSync(file, 'utf8')) : []
    const has = (port: number): boolean => found.some(({ sourcePort }) => sourcePort === port)
    return found.filter(isMine).length >= connections && has(40_300) && has(40_400) && found
  })
  tcpdump.kill('SIGINT')
  await once(tcpdump, 'exit')
  for (let i = 0; i < connections; i++) {
    const own = records.filter(({ sourcePort }) => sourcePort === firstPort + i)
    assert.equal(own.length, 1, JSON.stringify(own))
    const { event, verdict, protocol, source, destination, destinationPort, packets, packetsBack, rule } = own[0]!
    assert.deepEqual([event, verdict, protocol, source, destination, destinationPort], ['end', 'accepted', 'tcp', ...addresses, 80])
    assert.deepEqual({ packets, packetsBack }, seen(capture, firstPort + i))
    assert.match(rule!, /^rule 10 of group\d+/)
    assert.ok(own[0]!.bytesBack > 900 && own[0]!.vnic === vnic)
  }
  const denied = records.filter(({ sourcePort }) => sourcePort === 40_300)
  assert.deepEqual(denied.map(({ verdict, reason, destinationPort, direction }) => [verdict, reason, destinationPort, direction])[0], [
    'denied',
    'sg_denied',
    81,
    'in',
  ])
  const refused = await until(
    'the log of the cloud',
    () => existsSync(`${file}.refused`) && recordsIn(readFileSync(`${file}.refused`, 'utf8')),
  )
  assert.ok(refused.length > 0 && refused.every(({ verdict, flowLog }) => verdict === 'denied' && flowLog === logId))
  const [datagrams] = records.filter(({ sourcePort }) => sourcePort === 40_400)
  assert.deepEqual([datagrams!.packets, datagrams!.protocol, datagrams!.destinationPort], [5, 'udp', 9])
  const posted = await until('the late server to have them', () => {
    const found = recordsIn(bodies.join(''))
    return found.filter(isMine).length >= connections && found
  })
  const lineOf = (record: FlowRecord): string => JSON.stringify(record)
  assert.deepEqual(posted.filter(isMine).map(lineOf), records.filter(isMine).map(lineOf))
  asker = await Asker.start(restartScene(), 40_500)
  await asker.more(20)
  child.kill('SIGTERM')
  assert.equal(await ended(child), 0)
  assert.ok((JSON.parse(readFileSync(`${file}.checkpoint`, 'utf8')) as Checkpoint).flows.length >= connections)
  late.closeAllConnections()
  late.close()
  const expected = ipfixOf(recordsIn(readFileSync(file, 'utf8'))).sort()
  assert.ok(expected.length > connections)
  const decoded = await until('the last datagram', () => {
    const found = ipfixIn(ipfix)
    return found.length >= expected.length && found
  })
  collector.kill('SIGINT')
  assert.deepEqual(decoded.sort(), expected)
  assert.equal(checkLog('flow log', log())[0], 'flow log started')
})

test('a log that ends in the middle of a flow loses nothing and tells nothing twice; a killed one tells nothing twice', () =>
  checkRestarts(restartScene(), asker))

/** Run `vpc capture` on the host of the test. */
async function startCapture(...args: string[]): Promise<ChildProcess> {
  const child = begin('nsenter', [`--net=/run/netns/${host.netns}`, vpcPath, 'capture', ...args, '--socket', host.socketPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await said(child, /capturing .*; Ctrl-C ends it/)
  return child
}

/** Its status, also when it has ended already. */
const ended = async (child: ChildProcess): Promise<number | null> => child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0]

/** Fields of the frames of a file, as tshark reads it. */
function tshark(file: string, fields: readonly string[], filter = 'frame'): string[][] {
  const args = ['-r', file, '-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]
  const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]))
}

const ping = (count: number): string =>
  execFileSync('ip', inGuest(0, 'ping', '-c', String(count), '-i', '0.02', '-W', '10', addresses[1]), { encoding: 'utf8' })

test('a capture has what the guest sends, what is delivered to it, and drops with their reason', async () => {
  await using group = await host.vpc.openGroup(groupId, { write: true })
  await group.addRules([{ id: '30', direction: 'in', protocol: 'icmp' }])
  const file = join(directory, 'web.pcapng')
  const child = await startCapture('--port', server, '-w', file, '--snaplen', '200')
  ping(5)
  let said = ''
  child.stderr!.on('data', (text: string) => (said += text))
  await until('the drop in the file', () => {
    spawnSync('ip', inGuest(0, 'curl', '-sS', '--noproxy', '*', '--max-time', '0.2', '--local-port', '40600-40699', 'http://10.0.0.2:82/'))
    return readFileSync(file).includes('sg_denied')
  })
  child.kill('SIGINT')
  assert.equal(await ended(child), 0)
  const requests = tshark(file, ['frame.interface_name', 'frame.packet_flags_direction'], 'icmp.type == 8')
  assert.deepEqual(
    requests,
    Array.from({ length: 5 }, () => [`${unitOf} delivered`, '0x00000001']),
  )
  const replies = tshark(file, ['frame.interface_name', 'frame.packet_flags_direction'], 'icmp.type == 0')
  assert.deepEqual(
    replies,
    Array.from({ length: 5 }, () => [`${unitOf} sent`, '0x00000002']),
  )
  const [drop] = tshark(file, ['frame.interface_name', 'frame.comment', 'tcp.dstport'], 'frame.comment')
  assert.equal(drop![0], 'drops')
  assert.match(drop![1]!, /^sg_denied: into vpcp\d+ \(group\d+\): none of the 3 rules for in allows this packet from 10\.0\.0\.1/)
  assert.equal(drop![2], '82')
  assert.match(said, /hostif\d+ sent: \d+ frames\n.*delivered: \d+ frames\ndrops: \d+ frames?\n/s)
  await group.deleteRules(['30'])
})

test('a filter, a number of frames and a place leave out the rest; a switch has what it forwards', async () => {
  await using group = await host.vpc.openGroup(groupId, { write: true })
  await group.addRules([{ id: '30', direction: 'in', protocol: 'icmp' }])
  const [few, drops, all] = ['few', 'drops', 'switch'].map((name) => join(directory, `${name}.pcapng`)) as [string, string, string]
  const counted = await startCapture('--port', server, '--where', 'in', '--filter', 'icmp', '-c', '3', '-w', few)
  const dropped = await startCapture('--port', server, '--where', 'drops', '--filter', 'tcp dst port 83', '-w', drops)
  const mirrored = await startCapture('--switch-id', switchId, '--filter', 'icmp', '-w', all)
  const [small, brief] = ['small', 'brief'].map((name) => join(directory, `${name}.pcapng`)) as [string, string]
  const bounded = await startCapture('--port', server, '--where', 'both', '--max-size', '1000', '--user', 'nobody', '-w', small)
  const timed = await startCapture('--port', server, '--duration', '1', '-w', brief)
  ping(6)
  assert.deepEqual([await ended(counted), await ended(bounded), await ended(timed)], [0, 0, 0])
  const { uid, size, mode } = statSync(small)
  assert.deepEqual([uid, size >= 1000 && size < 4000, mode & 0o777], [nobody, true, 0o600])
  assert.ok(tshark(small, ['icmp.type']).length >= 1)
  assert.deepEqual(
    tshark(few, ['icmp.type']),
    Array.from({ length: 3 }, () => ['8']),
  )
  await until('the drop in the file', () => {
    for (const port of [82, 83])
      spawnSync(
        'ip',
        inGuest(0, 'curl', '-sS', '--noproxy', '*', '--max-time', '0.2', '--local-port', '40700-40799', `http://10.0.0.2:${port}/`),
      )
    return readFileSync(drops).includes('sg_denied')
  })
  for (const child of [dropped, mirrored]) {
    child.kill('SIGINT')
    assert.equal(await ended(child), 0)
  }
  assert.deepEqual([...new Set(tshark(drops, ['tcp.dstport']).flat())], ['83'])
  assert.ok(tshark(all, ['icmp.type']).length >= 12)
  await group.deleteRules(['30'])
})

test('of a virtual machine, both sides are on its tap', async () => {
  const [portId, vmnicId, address] = [generateId('vpcp'), generateId('vmnic'), '10.0.0.3']
  await using sw = await host.vpc.openSwitch(switchId, { write: true })
  await using vmnic = await host.vpc.openVmnic(vmnicId, { create: true })
  await vmnic.commit()
  await sw.addPort(portId)
  await using port = await host.vpc.openPort(portId, { write: true })
  await port.connect(vmnicId)
  await port.setAddresses([address])
  const [mac, { unit }] = [await vmnic.mac(), await vmnic.describe()]
  await sw.setNeighbours([{ vni: 5001, address, mac }])
  const netns = Netns.open(host.netns)
  const queue = netns.run(() => openTapQueue({ name: unit }))
  try {
    host.ip('link', 'set', unit, 'up')
    const file = join(directory, 'vm.pcapng')
    const child = await startCapture('--port', portId, '--where', 'both', '-w', file)
    const frame = udpFrame(
      {
        srcMac: macFrom(mac),
        dstMac: macFrom('02:00:00:00:00:99'),
        src: ipFrom(address),
        dst: ipFrom(addresses[0]),
        srcPort: 7,
        dstPort: 8,
      },
      new Uint8Array(20),
    )
    writeSync(queue, concat(new Uint8Array(12), frame))
    const before = readFileSync(file).length
    await until('frames of both sides', () => {
      spawnSync('ip', inGuest(0, 'ping', '-c', '1', '-W', '0.2', address))
      return readFileSync(file).length > before + 250
    })
    child.kill('SIGINT')
    assert.equal(await ended(child), 0)
    assert.deepEqual(tshark(file, ['frame.interface_name', 'udp.dstport'], 'udp.srcport == 7'), [[`${unit} sent`, '8']])
    assert.deepEqual(tshark(file, ['frame.interface_name'], 'icmp.type == 8')[0], [`${unit} delivered`])
  } finally {
    close(queue)
    netns[Symbol.dispose]()
  }
})

test('a capture is refused before it writes anything, in words that help; a flow log and an exporter, too', async () => {
  const file = join(directory, 'none.pcapng')
  const run = (...args: string[]) => {
    const words = [`--net=/run/netns/${host.netns}`, vpcPath, ...args, '--socket', host.socketPath]
    return spawnSync('nsenter', words, { encoding: 'utf8', timeout: 20_000 })
  }
  for (const [args, why] of [
    [['capture', '--port', server, '--filter', 'tcp prot 443', '-w', file], /cannot capture: .*syntax error/],
    [['capture', '--port', generateId('vpcp'), '-w', file], /there is no port/],
    [['capture', '-w', file], /one of --port, --vnic and --switch-id/],
    [['capture', '--vnic', vnic, '-w', file, '--state-dir', directory], /not plugged in on this host/],
    [['trace', '--vnic', vnic, '--to=10.0.0.1', '--icmp', '--state-dir', directory], /not plugged in on this host/],
    [['trace', '--port', server, '--vnic', vnic, '--to=10.0.0.1', '--icmp'], /one of --port and --vnic/],
    [['flow', 'log', '--only=web1'], /--only: 'web1' is not an id; vpc list shows/],
    [['exporter', '--listen=192.0.2.99'], /cannot listen on 192\.0\.2\.99 .*give an address of this machine with --listen/],
  ] as const) {
    const { status, stderr } = run(...args)
    assert.notEqual(status, 0)
    assert.match(stderr, why)
  }
  assert.equal(existsSync(file), false)
})
