/**
 * Security groups in a lab of two hosts, with programs that people use: curl, SSH, FTP, DNS over UDP and TCP, ping with
 * fragments, iperf3, traceroute; with a scan and a flood; and a connection whose rule goes.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import { generateId, type Id } from '#abi/id.ts'
import type { DropEvent, FlowInfo } from '#abi/info.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, run } from '#lab/program.ts'
import type { Trace } from '#cli/trace-hops.ts'
import { tcpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { encodePcap } from '#wire/pcap.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { measureTransfer } from '#lab/transfer.ts'
import { outside } from '../daemon/outside-dns.ts'
import { ScratchLab } from './scratch-lab.ts'

const file = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' } } } }
guests:
  client: { host: h1, subnet: red/a, address: 10.0.0.1 }
  server: { host: h2, subnet: red/a, address: 10.0.0.2 }
  other: { host: h1, subnet: red/a, address: 10.0.0.3 }
`

let lab: ScratchLab
const programs: ChildProcess[] = []

/** A program in a guest that runs until the test ends. */
function begin(guest: string, ...argv: string[]): ChildProcess {
  const [program, ...rest] = inNetns(netnsPath(lab.netns(guest)), argv)
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'ignore'] })
  programs.push(child)
  return child
}

/** Make a group on a guest's host, with rules, and put the guest in. */
async function enroll(guest: string, name: string, ...rules: RuleJson[]): Promise<Id> {
  const { host, portId } = lab.guest(guest)
  const vpc = lab.vpc(host)
  await using mgmt = await vpc.mgmt()
  const [sw] = await mgmt.describeAll('vpcsw')
  const id = generateId('group')
  await using group = await vpc.openGroup(id, { create: true, write: true })
  await group.setSwitch(sw!.id)
  await group.setName(name)
  await group.addRules(rules)
  await group.commit()
  await using port = await vpc.openPort(portId, { write: true })
  await port.setGroups([id])
  return id
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000
  while (!(await check())) {
    assert.ok(Date.now() < end, what)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const curl = (from: string, port: number) => lab.run(from, 'curl', '-s', '-m', '2', `http://10.0.0.2:${port}/`)
const ping = (from: string, ...more: string[]) => lab.run(from, 'ping', '-n', '-c', '1', '-W', '1', ...more)

async function flows(host: string): Promise<readonly FlowInfo[]> {
  await using mgmt = await lab.vpc(host).mgmt()
  return await mgmt.flows()
}

const web = ['node', '-e', `require('http').createServer((_, to) => to.end('hello')).listen(8080); process.stdin.resume()`]
const echo = [
  'node',
  '-e',
  `const u = require('dgram').createSocket('udp4'); u.on('message', (m, { port, address }) => u.send(m, port, address)); u.bind(53)`,
]
const ask = (bytes: number) => [
  'node',
  '-e',
  `const u = require('dgram').createSocket('udp4'); u.on('message', (m) => { process.exit(m.length === ${bytes} ? 0 : 2) })
   u.send(Buffer.alloc(${bytes}), 53, '10.0.0.2'); setTimeout(() => process.exit(1), 2000)`,
]

/** A connection of the client that sends a request without end, and its port. */
async function hold(): Promise<{ readonly held: ChildProcess; readonly outsidePort: number }> {
  const own = async (): Promise<FlowInfo[]> =>
    (await flows('h2')).filter(({ insidePort, confirmed, state }) => insidePort === 8080 && confirmed && state === 'established')
  const before = (await own()).map(({ outsidePort }) => outsidePort)
  const held = begin(
    'client',
    'node',
    '-e',
    `const s = require('net').connect(8080, '10.0.0.2')
     s.write('GET / HTTP/1.1\\r\\nX: '); setInterval(() => s.write('x'), 50)`,
  )
  let found: FlowInfo | undefined
  await until('the connection is not confirmed', async () => {
    found = (await own()).find(({ outsidePort }) => !before.includes(outsidePort))
    return found !== undefined
  })
  return { held, outsidePort: found!.outsidePort }
}

suite('guests in security groups', () => {
  let server: Id
  let echoing: ChildProcess
  before(async () => {
    lab = await ScratchLab.up(file)
    server = await enroll(
      'server',
      'web',
      { id: '10', direction: 'in', protocol: 'tcp', ports: ['8080'], peers: ['10.0.0.1'] },
      { id: '20', direction: 'in', protocol: 'udp', ports: ['53', '33434-33534'] },
      { id: '30', direction: 'in', protocol: 'icmp', icmp: '8' },
    )
    await enroll('client', 'clients')
    begin('server', ...web)
    echoing = begin('server', ...echo)
    await until('the service does not answer', async () => (await curl('client', 8080)).code === 0)
  })
  after(async () => {
    for (const program of programs) program.kill()
    await lab?.[Symbol.asyncDispose]()
  })

  test('reach what a rule allows, and nobody else does', async () => {
    assert.equal((await curl('client', 8080)).stdout, 'hello')
    assert.notEqual((await curl('other', 8080)).code, 0)
    assert.notEqual((await curl('client', 8081)).code, 0)
    // Nothing may come in to the client; it gets its answers all the same.
    assert.notEqual((await ping('server', '10.0.0.1')).code, 0)
    assert.equal((await ping('client', '10.0.0.2')).code, 0)
    const [flow] = (await flows('h2')).filter(({ insidePort }) => insidePort === 8080)
    assert.deepEqual([flow!.outside, flow!.begun, flow!.rule], ['10.0.0.1', 'in', 'rule 10 of group0 (web)'])
  })

  test('are traced to the other host, which names the rule that lets them in, or the one that is missing', async () => {
    const { portId } = lab.guest('client')
    const vpc = (host: string, ...words: string[]) => run([vpcPath, 'lab', 'exec', `--lab=${lab.name}`, host, '--', 'vpc', ...words])
    const trace = (...words: string[]) => vpc('h1', 'trace', `--port=${portId}`, '--to=10.0.0.2', ...words)
    const allowed = await trace('--tcp=8080')
    assert.equal(allowed.code, 0, allowed.stderr)
    assert.match(allowed.stdout, /neighbour +10\.0\.0\.2 is at .*: this host answers for it/)
    assert.match(allowed.stdout, /groups +into vpcp0 \(group0 \(web\)\), with 10\.0\.0\.1: rule 10 of group0 \(web\)/)
    assert.match(allowed.stdout, /delivered to hostif0 in vpcp0\n$/)
    const denied = await trace('--tcp=8081')
    assert.equal(denied.code, 1)
    const missing = new RegExp(
      `none of the 3 rules for in of group0 \\(web\\) allows tcp 8081 from 10\\.0\\.0\\.1: vpc (group rule add --group-id=${server} .*)`,
    )
    assert.match(denied.stdout, missing)
    // What it proposes is what was missing.
    const proposed = missing.exec(denied.stdout)![1]!.replace('--rule=N', '--rule=77').split(' ')
    assert.equal((await vpc('h2', ...proposed)).code, 0)
    assert.equal((await trace('--tcp=8081')).code, 0)
    assert.equal((await vpc('h2', 'group', 'rule', 'del', `--group-id=${server}`, '--rule=77')).code, 0)
    // Without the other host, the trace ends where the packet leaves, and says how to go on.
    const alone = await run([
      vpcPath,
      `--socket=${lab.host('h1').socket}`,
      'trace',
      `--port=${portId}`,
      '--to=10.0.0.2',
      '--icmp',
      '--json',
    ])
    const { hops, next } = JSON.parse(alone.stdout) as Trace
    assert.equal(hops.at(-1)!.outcome.verdict, 'tunnel')
    const arrived = next!.split(' ').slice(3)
    const rest = await run([vpcPath, `--socket=${lab.host('h2').socket}`, ...arrived, '--json'])
    assert.equal((JSON.parse(rest.stdout) as Trace).hops[0]!.outcome.verdict, 'delivered')
  })

  test('are traced by ssh and from a file as well', async () => {
    const { portId } = lab.guest('client')
    const directory = await mkdtemp(join(tmpdir(), 'vpc-trace-'))
    try {
      // In place of ssh: the command runs on this machine, and asks the vpcd of the host.
      await writeFile(
        join(directory, 'ssh'),
        `#!/bin/sh\n[ "$*" = "\${*#-o BatchMode=yes -- admin@h2 vpc trace --json --arrived=}" ] && exit 9\nshift 5\nVPC_SOCKET=${lab.host('h2').socket} exec ${vpcPath} "$@"\n`,
        { mode: 0o755 },
      )
      const env = { PATH: `${directory}:${process.env['PATH']}`, VPC_SOCKET: lab.host('h1').socket }
      const trace = (...words: string[]) => run([vpcPath, 'trace', `--port=${portId}`, ...words], { env })
      const there = await trace('--to=10.0.0.2', '--udp=53', '--peer=ssh:admin@h2')
      assert.match(there.stdout, /\nat admin@h2: .*\n(.*\n)*.*rule 20 of group0 \(web\)\n  delivered to hostif0 in vpcp0\n$/)
      assert.equal((await trace('--to=10.0.0.2', '--udp=54', '--peer=ssh:admin@h2')).code, 1)
      const wrong = await trace('--to=10.0.0.2', '--udp=53', '--peer=ssh:-oProxyCommand=x')
      assert.deepEqual([wrong.code, /is not a host for ssh/.test(wrong.stderr)], [2, true])
      const [link] = JSON.parse(await lab.must('client', 'ip', '-j', 'link', 'show', 'eth0')) as { address: string }[]
      const mac = macFrom(link!.address)
      const frame = (src: string, dstMac: Mac) =>
        tcpFrame({ srcMac: mac, dstMac, src: ipFrom(src), dst: ipFrom('10.0.0.2'), srcPort: 1, dstPort: 2 })
      const file = join(directory, 'frames.pcap')
      await writeFile(file, encodePcap([{ data: frame('10.0.0.1', broadcastMac) }, { data: frame('10.0.0.9', mac) }]))
      const { stdout, code } = await trace(`--pcap=${file}`, '--json')
      const reasons = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as Trace).hops[0]!.outcome)
      assert.deepEqual(
        reasons.map((outcome) => outcome.verdict === 'drop' && outcome.reason),
        ['unicast_to_all', 'source_ip'],
      )
      assert.equal(code, 1)
      await writeFile(file, 'no pcap file, but long enough for one')
      assert.match((await trace(`--pcap=${file}`)).stderr, /it is not a pcap file/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('send large datagrams in fragments, and get them', async () => {
    assert.equal((await ping('client', '-s', '4000', '10.0.0.2')).code, 0)
    await lab.must('client', ...ask(60))
    await lab.must('client', ...ask(9000))
  })

  test('are told by ICMP: traceroute ends at the server, and what does not fit is said', async () => {
    const route = await lab.must('client', 'traceroute', '-n', '-q', '1', '-w', '1', '-m', '3', '10.0.0.2')
    assert.match(route, /^ 1 {2}10\.0\.0\.2 /m)
    await lab.must('client', 'ip', 'link', 'set', 'dev', 'eth0', 'mtu', '9000')
    const { stdout } = await ping('client', '-M', 'do', '-s', '2000', '10.0.0.2')
    assert.match(stdout, /Frag needed and DF set \(mtu = 1450\)/)
    await lab.must('client', 'ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1450')
    await lab.must('client', 'ip', 'route', 'flush', 'cache')
  })

  test('move data over TCP, in large segments', async () => {
    await using group = await lab.vpc('h2').openGroup(server, { write: true })
    await group.addRules([{ id: '40', direction: 'in', protocol: 'tcp', ports: ['1024-65535'], peers: ['10.0.0.1'] }])
    const { bytes } = await measureTransfer({ netns: lab.netns('server'), address: '10.0.0.2' }, lab.guest('client'), { seconds: 0.4 })
    assert.ok(bytes > 8e6, `only ${bytes} bytes`)
    await group.deleteRules(['40'])
  })

  test('serve SSH, and FTP with a rule for its connections of data', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vpc-groups-'))
    try {
      await writeFile(join(directory, 'file'), 'contents')
      await lab.must('server', 'dropbearkey', '-t', 'ed25519', '-f', join(directory, 'key'))
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'own')])
      // The server looks for keys in the home of root: it sees one of its own.
      const serve = `set -e; cd ~root; mount -t tmpfs -o mode=700 tmpfs .; cd ~root; mkdir -m 700 .ssh; cp "$1/own.pub" .ssh/authorized_keys
        exec dropbear -F -E -p 22 -r "$1/key" -P "$1/pid"`
      begin('server', 'unshare', '--mount', 'sh', '-c', serve, 'sh', directory)
      begin('server', '/usr/bin/python3', '-m', 'pyftpdlib', '-p', '21', '-r', '30000-30009', '-d', directory)
      await using group = await lab.vpc('h2').openGroup(server, { write: true })
      await group.addRules([
        { id: '50', direction: 'in', protocol: 'tcp', ports: ['21', '22'], peers: ['10.0.0.1'] },
        { id: '51', direction: 'in', protocol: 'tcp', ports: ['30000-30009'], peers: ['10.0.0.1'] },
      ])
      const keys = (guest: string) => lab.run(guest, 'ssh-keyscan', '-T', '1', '10.0.0.2')
      const fetched = () => lab.run('client', 'curl', '-s', '-m', '3', 'ftp://10.0.0.2/file')
      await until('SSH and FTP do not answer', async () => (await keys('client')).stdout !== '' && (await fetched()).code === 0)
      assert.match((await keys('client')).stdout, /ssh-ed25519/)
      const unasked = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes'].flatMap((word) => ['-o', word])
      const ssh = ['timeout', '30', 'ssh', ...unasked, '-i', join(directory, 'own'), 'root@10.0.0.2']
      assert.equal((await lab.must('client', ...ssh, 'head -c 3000000 /dev/zero | tr "\\0" x')).length, 3_000_000)
      assert.equal((await keys('other')).stdout, '')
      assert.equal((await fetched()).stdout, 'contents')
      await group.deleteRules(['51'])
      assert.notEqual((await fetched()).code, 0)
      await group.deleteRules(['50'])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('ask DNS over UDP and TCP, and over TCP again when an answer is cut', async () => {
    echoing.kill()
    const directory = await mkdtemp(join(tmpdir(), 'vpc-groups-'))
    try {
      await writeFile(join(directory, 'server.mjs'), outside)
      begin('server', 'node', join(directory, 'server.mjs'), '10.0.0.2')
      const dig = async (...words: string[]): Promise<string> =>
        (await lab.run('client', 'dig', '@10.0.0.2', '+short', '+tries=1', '+time=2', ...words)).stdout.trim()
      await until('the DNS server does not answer', async () => (await dig('www.example')) === '198.51.100.7')
      for (const words of [['+tcp', 'www.example'], ['big.example']]) assert.notEqual(await dig(...words), '198.51.100.7', words.join(' '))
      await using group = await lab.vpc('h2').openGroup(server, { write: true })
      await group.addRules([{ id: '70', direction: 'in', protocol: 'tcp', ports: ['53'], peers: ['10.0.0.1'] }])
      for (const words of [['+tcp', 'www.example'], ['big.example']]) assert.equal(await dig(...words), '198.51.100.7', words.join(' '))
      await group.deleteRules(['70'])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('show a scan what rules allow, and no more', async () => {
    const scan = async (guest: string, how: string): Promise<string> =>
      /Ports: (.*)/.exec(
        await lab.must(guest, 'nmap', '-n', '-Pn', how, '-p', '23,8080,8081', '--max-retries', '1', '-oG', '-', '10.0.0.2'),
      )?.[1] ?? ''
    assert.match(await scan('client', '-sS'), /23\/filtered\/.* 8080\/open\/.* 8081\/filtered\//)
    assert.doesNotMatch(await scan('other', '-sS'), /open\/|closed\//)
    const dropped = async (): Promise<number> => (await lab.portStats('client')).drops['flow_invalid'] ?? 0
    const before = await dropped()
    assert.doesNotMatch(await scan('client', '-sX'), /closed\//)
    assert.ok((await dropped()) >= before + 3)
  })

  test('keep their connections in a flood of SYNs', async () => {
    const { held, outsidePort } = await hold()
    await lab.run('client', 'hping3', '-q', '-S', '-s', '5000', '-p', '8080', '-i', 'u20', '-c', '5000', '10.0.0.2')
    const flow = (await flows('h2')).find((each) => each.insidePort === 8080 && each.outsidePort === outsidePort)
    assert.ok(flow !== undefined && flow.idleSeconds <= 5, JSON.stringify(flow))
    assert.equal((await curl('client', 8080)).stdout, 'hello')
    held.kill()
  })

  test('send datagrams in fragments as fast as they like', async () => {
    await using group = await lab.vpc('h2').openGroup(server, { write: true })
    await group.addRules([{ id: '60', direction: 'in', protocol: 'any', peers: ['10.0.0.1'] }])
    // A lost first datagram leaves both ends of iperf3 waiting: each try has a server and a limit of its own.
    const measure = async (): Promise<{ packets: number; lost_percent: number } | undefined> => {
      const serve = begin('server', 'timeout', '5', 'iperf3', '-s', '-1', '-p', '5201')
      const words = ['-c', '10.0.0.2', '-u', '-b', '20M', '-l', '8000', '-t', '1', '-J']
      const { code, stdout } = await lab.run('client', 'timeout', '5', 'iperf3', ...words)
      serve.kill()
      return code === 0 ? (JSON.parse(stdout) as { end: { sum: { packets: number; lost_percent: number } } }).end.sum : undefined
    }
    await until('most datagrams in fragments are lost', async () => {
      const sum = await measure()
      return sum !== undefined && sum.packets > 100 && sum.lost_percent < 20
    })
    await group.deleteRules(['60'])
  })

  test('lose a connection with its rule, and the drop names the rule', async () => {
    const { held } = await hold()
    await using mgmt = await lab.vpc('h2').mgmt()
    const drops = mgmt.followDrops()
    const first = (async (): Promise<DropEvent> => {
      // The first packet after the rule has gone may as well be an answer of the server.
      for await (const drop of drops) if (drop.reason === 'sg_revoked' && drop.refusal?.direction === 'in') return drop
      return assert.fail('no drop came')
    })()
    await using group = await lab.vpc('h2').openGroup(server, { write: true })
    await group.deleteRules(['10'])
    const { refusal } = await first
    const { rules, rule, peer, peerGroups, state } = refusal!
    assert.deepEqual(
      { groups: refusal!.groups, rules, rule, peer, peerGroups, state },
      {
        groups: ['group0 (web)'],
        rules: 2,
        rule: 'rule 10 of group0 (web)',
        peer: '10.0.0.1',
        peerGroups: [],
        state: 'denied',
      },
    )
    held.kill()
  })
})
