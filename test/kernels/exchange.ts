/**
 * What the containers of a pair say to each other, and what must hold then: contents by checksum, sizes, and no error
 * counted anywhere.
 */
import assert from 'node:assert/strict'
import type { Machine } from './machine.ts'
import type { Pair, PairHost } from './pair.ts'

const inGuest = (command: string): string => `ip netns exec guest sh -c '${command}'`
const overhead = 50

/** Counters of the kernel's stack that count damaged packets. */
const errorCounters = /^(\w*InCsumErrors|\w*CsumErrors|InHdrErrors|\w*InErrors|InErrs|ReasmFails|\w*InHdrErrors|\w*ReasmFails)$/

/** The counters of one network namespace that should be zero and are not. */
async function errorsOf(machine: Machine, inside: (command: string) => string): Promise<string[]> {
  const text = await machine.must(inside('cat /proc/net/snmp /proc/net/netstat /proc/net/snmp6'))
  const found: string[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const [name = '', ...values] = line.trim().split(/\s+/)
    if (values.length === 1 && /^\w+6\w+$/.test(name) && errorCounters.test(name.replace(/^\w+?6/, ''))) {
      if (values[0] !== '0') found.push(`${name} ${values[0]}`)
    } else if (name.endsWith(':') && lines[index + 1]?.startsWith(name)) {
      const numbers = lines[index + 1]!.trim().split(/\s+/).slice(1)
      for (const [at, counter] of values.entries())
        if (errorCounters.test(counter) && numbers[at] !== '0') found.push(`${name}${counter} ${numbers[at]}`)
    }
  }
  return found
}

/** No host and no container of the pair has counted a damaged packet. */
export async function assertNoErrors({ hosts }: Pair): Promise<void> {
  const asIs = (command: string): string => command
  for (const { machine } of hosts) {
    assert.deepEqual(await errorsOf(machine, asIs), [], `${machine.name} itself`)
    assert.deepEqual(await errorsOf(machine, inGuest), [], `the container of ${machine.name}`)
  }
}

/**
 * The container of one host reaches the other's, with IPv4 and IPv6, with packets of each size up to what fits and no
 * larger.
 */
export async function exchangePings([one, two]: readonly [PairHost, PairHost], underlayMtu = 1500): Promise<void> {
  const mtu = underlayMtu - overhead
  const ping = (args: string): string => inGuest(`ping -n -q -i 0.05 ${args}`)
  assert.equal(await one.machine.must(inGuest('cat /sys/class/net/eth0/mtu')), String(mtu), 'the MTU that the container got')
  await one.machine.must(ping(`-c 20 -W 5 ${two.guest.v4}`))
  await one.machine.must(ping(`-c 20 -W 5 ${two.guest.v6}`))
  await one.machine.must(ping(`-c 3 -W 5 -M do -s ${mtu - 28} ${two.guest.v4}`))
  await one.machine.must(ping(`-c 3 -W 5 -M do -s ${mtu - 48} ${two.guest.v6}`))
  const { output, code } = await one.machine.shell.run(inGuest(`ping -n -c 1 -W 5 -M do -s ${mtu - 27} ${two.guest.v4} 2>&1`))
  assert.notEqual(code, 0, 'one byte more than fits')
  assert.match(output, new RegExp(`mtu ?= ?${mtu}`))
}

/** Starts a receiver in a container; what comes goes to a file. `$receiver` in the machine's shell is its process. */
async function listen({ machine }: PairHost, kind: 'tcp' | 'udp', program: string): Promise<void> {
  // A pipe on which nothing ever comes: a receiver whose own input ends would end the connection.
  await machine.must('[ -p /tmp/silence ] || mkfifo /tmp/silence')
  await machine.must(`ip netns exec guest ${program} >/tmp/received <>/tmp/silence & receiver=$!`)
  await machine.must(`until ip netns exec guest ss -Hln --${kind} | grep -q .; do sleep 0.05; done`)
}

const datagramReceiver = (count: number): string =>
  `python3 -c "import socket, sys
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 9001)); s.settimeout(60)
for _ in range(${count}): sys.stdout.buffer.write(s.recv(65535))"`

const sumOf = async ({ machine }: PairHost, command: string): Promise<string> => machine.must(`${command} | sha256sum`)

/** The switch side of the container's interface, where a segment has the size with which it left the container. */
const watchSegments = [
  '(timeout 180 tcpdump -i sw-hostif0 -n -c 1 tcp and greater 4000 >/tmp/large 2>/tmp/watching) & watch=$!',
  '(until grep -q listening /tmp/watching; do kill -0 $watch || { cat /tmp/watching; exit 1; }; sleep 0.05; done)',
].join('; ')

/**
 * One host's container sends the other's a file over TCP, in segments larger than a packet when the kernel is to cut
 * them.
 */
export async function sendFile(from: PairHost, to: PairHost, { megabytes = 8, large = true } = {}): Promise<void> {
  await listen(to, 'tcp', 'busybox nc -l -p 9000')
  await from.machine.must(`head -c ${megabytes}M /dev/urandom >/tmp/file`)
  if (large) await from.machine.must(watchSegments)
  await from.machine.must(`ip netns exec guest busybox nc ${to.guest.v4} 9000 </tmp/file`, 300_000)
  await to.machine.must('wait $receiver')
  const [sent, received] = await Promise.all([sumOf(from, 'cat /tmp/file'), sumOf(to, 'cat /tmp/received')])
  assert.equal(received, sent, `what ${to.machine.name} received over TCP`)
  if (large) assert.match(await from.machine.must('wait $watch; cat /tmp/large'), /length \d{4,}/, 'segments left the container large')
}

/** Datagrams of several sizes, one of them in fragments, arrive whole. */
export async function sendDatagrams(from: PairHost, to: PairHost): Promise<void> {
  const sizes = [1, 100, 1400, 1422, 8000]
  const send = `{ ${sizes.map((size) => `dd if=/tmp/file bs=${size} count=1 status=none`).join('; ')}; }`
  await listen(to, 'udp', datagramReceiver(sizes.length))
  await from.machine.must(`head -c 1M /dev/urandom >/tmp/file; ip netns exec guest bash -c "${send} >/dev/udp/${to.guest.v4}/9001"`)
  await to.machine.must('wait $receiver')
  const [sent, received] = await Promise.all([sumOf(from, send), sumOf(to, 'cat /tmp/received')])
  assert.equal(received, sent, `the datagrams that ${to.machine.name} received`)
}

/** All of it, both ways. */
export async function exchangeEverything(pair: Pair, { underlayMtu = 1500, megabytes = 8, large = true } = {}): Promise<void> {
  const [one, two] = pair.hosts
  await exchangePings([one, two], underlayMtu)
  await sendFile(one, two, { megabytes, large })
  await sendFile(two, one, { megabytes, large })
  await sendDatagrams(one, two)
  await sendDatagrams(two, one)
  await assertNoErrors(pair)
}
