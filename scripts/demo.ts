/**
 * `npm run demo`: two machines and two customers with the same addresses, from nothing, by the commands that a person
 * types; then a router, DHCP, the outside, and security groups (demo-layer3.ts). Exits with 0 only when what it shows
 * is what it should be. `-- --lab` shows the demo lab.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleFor } from '#cli/style.ts'
import { makeNetworks, showDhcp, showMissingRule, showNat, type Stage } from './demo-layer3.ts'
import { Machine, must, run } from './demo-machine.ts'

const style = styleFor(undefined, process.stdout.isTTY === true, process.env)
const say = (text = ''): void => void process.stdout.write(`${text}\n`)
const tag = `demo${process.pid}`
const underlay = (i: number): string => `198.18.9.${i}`

class Demo implements Stage {
  readonly tag = tag
  readonly machines: Machine[] = []
  readonly containers: string[] = []
  readonly failed: string[] = []
  commands = 0
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-demo-'))

  /** What a person types on a machine, and what it says. */
  type(machine: Machine, line: string, shown = line, wanted = 0): string {
    this.commands++
    say(`${style.dim(`${machine.name} #`)} ${style.bold(shown)}`)
    const { code, text } = machine.sh(line)
    const lines = text.split('\n').map((each) => (each.length > 160 ? `${each.slice(0, 157)}...` : each))
    if (text !== '') say(lines.map((each) => `  ${each}`).join('\n'))
    this.tell(code === wanted, `exit code ${code}`, false)
    return text
  }

  tell(isRight: boolean, what: string, always = true): void {
    if (!isRight) this.failed.push(what)
    if (always || !isRight) say(`  ${isRight ? style.green('✓') : style.red('✗')} ${what}`)
  }

  title(text: string): void {
    say(`\n${style.bold(text)}`)
  }

  async makeMachines(): Promise<[Machine, Machine]> {
    chmodSync(this.directory, 0o755)
    for (const name of ['h1', 'h2']) this.machines.push(await Machine.start(name, `${tag}-${name}`, join(this.directory, name)))
    const [h1, h2] = this.machines as [Machine, Machine]
    must('ip', 'link', 'add', 'em0', 'netns', h1.netns, 'type', 'veth', 'peer', 'name', 'em0', 'netns', h2.netns)
    for (const [i, { netns }] of this.machines.entries()) {
      must('ip', '-n', netns, 'addr', 'add', `${underlay(i + 1)}/24`, 'dev', 'em0')
      must('ip', '-n', netns, 'link', 'set', 'em0', 'mtu', '1550', 'up')
      must('ip', '-n', netns, 'route', 'add', 'default', 'via', underlay(2 - i))
    }
    for (const name of ['red1', 'red2', 'red3', 'blue1', 'blue2', 'internet']) {
      must('ip', 'netns', 'add', `${tag}-${name}`)
      this.containers.push(`${tag}-${name}`)
    }
    return [h1, h2]
  }

  end(): void {
    for (const machine of this.machines) machine.end()
    for (const name of this.containers) run(['ip', 'netns', 'del', name])
    rmSync(this.directory, { recursive: true, force: true })
  }
}

const addressOf = (name: string): string =>
  (JSON.parse(must('ip', '-n', `${tag}-${name}`, '-j', '-4', 'addr', 'show', 'eth0')) as { addr_info: { local: string }[] }[])[0]!
    .addr_info[0]!.local

const pings = (name: string, address: string): boolean =>
  run(['ip', 'netns', 'exec', `${tag}-${name}`, 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', address]).code === 0

function makeCloud(demo: Demo, h1: Machine, h2: Machine): void {
  demo.title('Two machines become one cloud')
  demo.type(h1, 'vpc up')
  const command = /vpc join \S+ --server=\S+/.exec(demo.type(h1, 'vpc host create h2'))?.[0] ?? 'false'
  demo.type(h2, command, command.replace(/(vpcjoin1\.\w{4})\S+/, '$1...'))
  demo.type(h2, 'vpc up')
  const token = h1.sh('cat /var/lib/vpc/admin-token').text
  demo.type(h2, `echo ${token} | vpc login --server=https://${underlay(1)}:7473`, `vpc login --server=https://${underlay(1)}:7473`)
}

function makeCustomers(demo: Demo, h1: Machine, h2: Machine): void {
  demo.title('Two customers, with the same network')
  for (const customer of ['red', 'blue']) {
    demo.type(h1, `vpc vpc create ${customer}`)
    demo.type(h1, `vpc cloud subnet create web --vpc=${customer} --network4=10.0.0.0/24`)
  }
  makeNetworks(demo, h1)
  for (const customer of ['red', 'blue'])
    for (const [i, machine] of [h1, h2].entries()) {
      const name = `${customer}${i + 1}`
      const address = `10.0.0.${i + 10}`
      h1.sh(`vpc vnic create ${name} --subnet=${customer}/web --address=${address}`)
      demo.type(
        machine,
        `vpc vnic attach ${name} --subnet=${customer}/web --netns=${tag}-${name}`,
        `vpc vnic attach ${name} --subnet=${customer}/web --netns=${name}`,
      )
    }
}

function showReachability(demo: Demo, h1: Machine): void {
  demo.title('Who reaches whom')
  demo.tell(addressOf('red1') === addressOf('blue1'), `red1 and blue1 have the same address: ${addressOf('red1')}`)
  for (const customer of ['red', 'blue']) {
    const to = addressOf(`${customer}2`)
    demo.tell(pings(`${customer}1`, to), `${customer}1 on h1 reaches ${customer}2 on h2 at ${to}`)
  }
  h1.sh('vpc vnic detach blue2')
  demo.tell(!pings('blue1', addressOf('red2')), 'with blue2 away blue1 reaches nobody there: red2 has the address, and is not its')
}

async function showGroup(demo: Demo, h1: Machine, h2: Machine): Promise<void> {
  demo.title('A security group')
  demo.type(h1, `vpc cloud group create web --rule='direction=in protocol=tcp ports=80'`)
  const drops = h2.background('exec vpc drops --follow')
  const said: string[] = []
  drops.stdout!.setEncoding('utf8').on('data', (text: string) => void said.push(text))
  demo.type(h1, 'vpc vnic set red2 --group=web')
  for (let i = 0; i < 50 && pings('red1', addressOf('red2')); i++);
  demo.tell(!pings('red1', addressOf('red2')), 'red1 pings red2 no more: the group lets TCP port 80 in, and nothing else')
  for (let i = 0; i < 50 && !said.join('').includes('sg_denied'); i++) await sleep(100)
  drops.kill('SIGKILL')
  drops.stdout!.destroy()
  const line =
    said
      .join('')
      .split('\n')
      .find((each) => each.includes('sg_denied')) ?? ''
  say(`${style.dim('h2 #')} ${style.bold('vpc drops --follow')}\n  ${line}`)
  demo.tell(/vnic \S*red2 .*group \S*web/.test(line), 'the drop has its reason, by the names of the vnic and its group')
}

async function show(demo: Demo): Promise<void> {
  const [h1, h2] = await demo.makeMachines()
  makeCloud(demo, h1, h2)
  makeCustomers(demo, h1, h2)
  showReachability(demo, h1)
  await showDhcp(demo, h2)
  await showNat(demo, h1)
  await showMissingRule(demo, h1)
  await showGroup(demo, h1, h2)
}

if (process.argv.slice(2).some((word) => ['--lab', '--keep', '--name'].includes(word))) {
  process.argv = process.argv.filter((word) => word !== '--lab')
  await import('./demo-lab.ts')
} else {
  const demo = new Demo()
  const stop = (): void => {
    demo.end()
    process.exit(130)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    await show(demo)
  } finally {
    demo.end()
  }
  say(`\n${demo.commands} commands. A lab of three hosts, and how fast it is: npm run demo -- --lab`)
  say(demo.failed.length === 0 ? style.green('All is as it should be.') : style.red(`Wrong: ${demo.failed.join('; ')}`))
  process.exitCode = demo.failed.length === 0 ? 0 : 1
}
