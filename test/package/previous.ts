/**
 * The Debian package of an earlier version, VPC_PREVIOUS=FILE.deb, upgraded to this one under traffic, and back:
 * `VPC_PREVIOUS=FILE.deb npm run test:package -- test/package/previous.ts`. `npm run package` in an earlier commit
 * makes such a file.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { buildDeb } from '../../scripts/package/deb.ts'
import { architectureHere } from '../../scripts/package/native.ts'
import { PackageMachine } from './machine.ts'

const previous = process.env['VPC_PREVIOUS']
if (previous === undefined) throw new Error('VPC_PREVIOUS must name the package of an earlier version')
const files = execFileSync('dpkg-deb', ['-c', previous], { encoding: 'utf8' })
/** Whether that package has the link that programs are started by. */
const hasLink = files.includes('/usr/lib/vpc/program/')
/** Whether it has the timer. A version without it knows nothing of the timer's links and records. */
const hasTimer = files.includes('/vpc-finish.timer')
const out = mkdtempSync(join(tmpdir(), 'vpc-previous-'))
let machine: PackageMachine

before(async () => {
  const file = await buildDeb({ architecture: architectureHere(), version: '0.1.0-999', out, epoch: 1_800_000_000, level: 0 })
  machine = await PackageMachine.boot()
  cpSync(file, join(machine.root, 'srv/new.deb'))
  cpSync(previous, join(machine.root, 'srv/old.deb'))
})
after(async () => {
  await machine?.[Symbol.asyncDispose]()
  rmSync(out, { recursive: true, force: true })
})

const isServed = (): boolean => machine.try('vpc', 'list').stdout.includes('hostif1')
/** The version of the journal, asked of the Node beside the program that runs: packages differ in where it is. */
const journal = (): string =>
  machine
    .sh(
      `node=$(dirname "$(dirname "$(readlink -f /usr/bin/vpc)")")/node_modules/.bin/node
$node --no-warnings -e '
    console.log(new (require("node:sqlite").DatabaseSync)("/var/lib/vpc/state.db").prepare("PRAGMA user_version").get().user_version)'`,
    )
    .trim()
/** What is below the package's folder and is not the package's own. */
const foreign = (): string[] =>
  machine
    .sh('dpkg -L vpc | sort >/srv/own; find /usr/lib/vpc -mindepth 1 | sort >/srv/found; comm -13 /srv/own /srv/found')
    .split('\n')
    .filter(Boolean)

/** Links of systemd to units of ours that are not there, and Debian's records of the timer. */
const dangling = (): string[] =>
  machine
    .sh(
      `find /etc/systemd/system -xtype l -name 'vpc*'
test -e /lib/systemd/system/vpc-finish.timer || find /var/lib/systemd -name 'vpc-finish*'`,
    )
    .split('\n')
    .filter(Boolean)

/** A connection that is opened once and asks fifty times a second; each answer is counted. Perl is in every Debian. */
const echo = `use strict; use IO::Socket::INET;
my ($what) = @ARGV;
if ($what eq 'serve') {
  my $listener = IO::Socket::INET->new(LocalPort => 7000, Listen => 5, ReuseAddr => 1) or die $!;
  my $peer = $listener->accept; $peer->autoflush(1);
  while (my $line = <$peer>) { print $peer $line }
  exit;
}
my $peer = IO::Socket::INET->new(PeerAddr => '10.0.0.2', PeerPort => 7000, Timeout => 20) or die $!;
$peer->autoflush(1); my $ends = 0; $SIG{INT} = sub { $ends = 1 };
my $asked = 0;
until ($ends) {
  print $peer "$asked\\n"; my $line = <$peer>;
  die "no answer to $asked" unless defined $line && $line == $asked;
  $asked++; select undef, undef, undef, 0.02;
}
print "$asked answered\\n";
`

interface Flow {
  readonly insidePort: number
  readonly outsidePort: number
  readonly confirmed: boolean
  readonly packetsIn: number
  readonly packetsOut: number
}

/** The flow of that connection, once both have spoken. */
const flow = (): Flow | undefined =>
  (JSON.parse(machine.sh('vpc flow list --json')) as Flow[]).find(({ outsidePort, insidePort, confirmed }) => {
    return insidePort === 7000 && outsidePort !== 0 && confirmed
  })

/** Install the earlier version; two containers, one of them in a group, and traffic between them. */
function startTraffic(): void {
  writeFileSync(join(machine.root, 'srv/echo.pl'), echo)
  // Answers leave by the flow alone: the only rule for out allows something else.
  machine.sh(`dpkg -i /srv/old.deb 2>&1; ip netns add a; ip netns add b
vpc switch create red --vni 5001
vpc attach red --netns a --address 10.0.0.1/24
vpc attach red --netns b --address 10.0.0.2/24
vpc group create db --switch-id=red
vpc group rule add db --rule=10 --direction=in --protocol=tcp --ports=7000
vpc group rule add db --rule=20 --direction=in --protocol=icmp
vpc group rule add db --rule=30 --direction=out --protocol=udp --ports=53
vpc switch port set vpcp1 --group=db
systemctl disable vpc-agent
ip netns exec a ping -c 1 -w 20 10.0.0.2
ip netns exec b perl /srv/echo.pl serve >/srv/serve.log 2>&1 &
tries=0
until ip netns exec b grep -q ':1B58 .* 0A ' /proc/net/tcp; do
  tries=$((tries + 1)); [ $tries -lt 300 ] || { echo 'nobody listens on port 7000:'; cat /srv/serve.log; exit 1; }; sleep 0.1
done
ip netns exec a perl /srv/echo.pl ask >/srv/echo.log 2>&1 & echo $! >/srv/echo.pid
ip netns exec a ping -i 0.02 -w 280 10.0.0.2 >/srv/ping.log 2>&1 & echo $! >/srv/ping.pid`)
}

/** End it, and see that nothing of it was lost. */
function endTraffic(t: TestContext): void {
  for (const name of ['ping', 'echo'])
    machine.sh(`pid=$(cat /srv/${name}.pid)
kill -INT $pid || { echo '${name} has ended before:'; cat /srv/${name}.log /srv/serve.log; exit 1; }
tries=0
while kill -0 $pid 2>/dev/null; do
  tries=$((tries + 1)); [ $tries -lt 300 ] || { echo '${name} does not end:'; cat /srv/${name}.log /srv/serve.log; exit 1; }; sleep 0.1
done`)
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(machine.sh('cat /srv/ping.log'))!
  assert.ok(Number(sent) > 100, `${sent} sent`)
  assert.equal(received, sent)
  const answered = Number(/^(\d+) answered/.exec(machine.sh('cat /srv/echo.log'))?.[1])
  assert.ok(answered > 100, machine.sh('cat /srv/echo.log'))
  t.diagnostic(`${sent} pings and ${answered} questions of one connection, all answered`)
}

test('an upgrade from an earlier version, and back, loses no packet and no flow, and leaves nothing', async (t) => {
  startTraffic()
  await machine.until('the connection is a flow', () => flow() !== undefined)
  const [first, firstFlow] = [journal(), flow()!]
  machine.sh('dpkg -i /srv/new.deb 2>&1')
  await machine.until('the newer vpcd serves', isServed)
  assert.deepEqual(foreign(), ['/usr/lib/vpc/now'])
  assert.equal(machine.try('systemctl', 'is-enabled', 'vpc-agent').stdout.trim(), 'disabled')
  assert.equal(machine.try('systemctl', 'is-active', 'vpc-finish.timer').stdout.trim(), 'active')
  const then = journal()
  const back = machine.try('dpkg', '-i', '/srv/old.deb')
  t.diagnostic(`journal ${first}, then ${then}; the way back: status ${back.status}`)
  if (first === then) {
    assert.equal(back.status, 0, back.stderr)
    await machine.until('the older vpcd serves', isServed)
    assert.deepEqual(foreign(), hasLink ? ['/usr/lib/vpc/now'] : [])
    assert.equal(machine.try('systemctl', 'is-enabled', '--quiet', 'vpc-finish.timer').status === 0, hasTimer)
    assert.deepEqual(dangling(), [])
  } else if (back.status === 0) {
    // A package from before the check: its vpcd refuses the journal and changes nothing.
    await machine.until('the older vpcd says why', () =>
      /has version \d+, this vpcd knows \d+/.test(machine.sh('journalctl -u vpcd --no-pager')),
    )
  } else {
    assert.match(back.stderr, /Nothing was changed/)
    assert.ok(isServed())
  }
  machine.sh('dpkg -i /srv/new.deb 2>&1')
  await machine.until('the newer vpcd serves again', isServed)
  assert.deepEqual(foreign(), ['/usr/lib/vpc/now'])
  assert.deepEqual(dangling(), [])
  assert.equal(machine.try('systemctl', 'is-active', 'vpc-finish.timer').stdout.trim(), 'active')
  const lastFlow = flow()!
  assert.equal(lastFlow.outsidePort, firstFlow.outsidePort)
  for (const way of ['packetsIn', 'packetsOut'] as const) assert.ok(lastFlow[way] > firstFlow[way], `${firstFlow[way]}, ${lastFlow[way]}`)
  endTraffic(t)
})

test('the earlier version, purged after that, leaves nothing of either', async () => {
  // It came back last where it may: a journal that it does not know has it refuse.
  const isOld = machine.try('dpkg', '-i', '/srv/old.deb').status === 0
  machine.sh(`ip netns del a; ip netns del b; dpkg --purge vpc; rm -f /srv/old.deb`)
  assert.equal(
    machine.sh(`find / -xdev -name '*vpc*' -not -path '/proc/*' -not -path '/sys/*'; getent passwd | grep vpc || true`),
    '',
    isOld ? 'the earlier version was purged' : 'the newer version was purged',
  )
})
