/**
 * The part of the demo above bridging: a customer's second subnet behind a router, addresses by DHCP, a public address
 * for all of its guests, and a connection that a group refuses, until the rule that was missing is there.
 */
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectionFrom, serve } from '#lab/service.ts'
import { must, run, type Machine } from './demo-machine.ts'

/** What the demo gives to its parts. */
export interface Stage {
  readonly tag: string
  title(text: string): void
  /** What a person types on a machine, and what it says. */
  type(machine: Machine, line: string, shown?: string, code?: number): string
  tell(isRight: boolean, what: string): void
}

const takeLease = fileURLToPath(new URL('../src/lab/take-lease', import.meta.url))
const database = 5432
const outside = { router: '203.0.113.254', prefix: '203.0.113.0/24', pool: '203.0.113.0/28', device: 'pub0' } as const

/** A program in a container's namespace. */
const inside = ({ tag }: Stage, name: string, ...argv: readonly string[]) => run(['ip', 'netns', 'exec', `${tag}-${name}`, ...argv])

const addressesOf = ({ tag }: Stage, name: string): string[] =>
  (JSON.parse(must('ip', '-n', `${tag}-${name}`, '-j', '-4', 'addr', 'show', 'eth0')) as { addr_info: { local: string }[] }[]).flatMap(
    ({ addr_info }) => addr_info.map(({ local }) => local),
  )

/** Whether something comes true within 20 seconds and more. */
async function comesTrue(look: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if (await look()) return true
    await sleep(200)
  }
  return false
}

const pings = (stage: Stage, name: string, address: string): boolean =>
  inside(stage, name, 'ping', '-n', '-c', '1', '-W', '1', address).code === 0

/** Whether red1 gets a connection to the database in red3. */
const connects = async ({ tag }: Stage): Promise<boolean> =>
  (await connectionFrom({ netns: `${tag}-red1` }, '10.0.1.10', database)) !== undefined

/** A second subnet of red, and the router between the two. */
export function makeNetworks(stage: Stage, h1: Machine): void {
  stage.title('Red gets a second subnet, and a router between the two')
  stage.type(h1, 'vpc cloud subnet create db --vpc=red --network4=10.0.1.0/24 --dhcp=leaseSeconds=3600')
  stage.type(h1, 'vpc cloud router create main --vpc=red --interface=subnet=web --interface=subnet=db')
}

/** A container of the second subnet asks for its address. */
export async function showDhcp(stage: Stage, h2: Machine): Promise<void> {
  stage.title('An address by DHCP, and the way over the router')
  const netns = `${stage.tag}-red3`
  stage.type(h2, `vpc vnic create red3 --subnet=red/db --address=10.0.1.10`)
  stage.type(h2, `vpc vnic attach red3 --subnet=red/db --netns=${netns}`, 'vpc vnic attach red3 --subnet=red/db --netns=red3')
  must('ip', '-n', netns, 'addr', 'flush', 'dev', 'eth0')
  const client = ['busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '10', '-T', '1', '-s', takeLease]
  const { text } = inside(stage, 'red3', ...client)
  stage.tell(addressesOf(stage, 'red3').join() === '10.0.1.10', `red3 has asked by DHCP: ${text.trim().split('\n').at(-1) ?? 'no answer'}`)
  stage.tell(
    await comesTrue(() => pings(stage, 'red1', '10.0.1.10')),
    'red1 on h1 (10.0.0.10) reaches red3 on h2 (10.0.1.10), over the router',
  )
}

/** The outside is a namespace at a wire of the first machine. */
export async function showNat(stage: Stage, h1: Machine): Promise<void> {
  stage.title('The outside')
  const netns = `${stage.tag}-internet`
  must('ip', 'link', 'add', outside.device, 'netns', h1.netns, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns)
  must('ip', '-n', h1.netns, 'link', 'set', outside.device, 'up')
  must('ip', '-n', netns, 'addr', 'add', `${outside.router}/24`, 'dev', 'eth0')
  must('ip', '-n', netns, 'link', 'set', 'eth0', 'up')
  const facility = /"name": "([^"]+)"/.exec(h1.sh('vpc facility list --json').text)?.[1] ?? ''
  stage.type(h1, `vpc pool create public --facility=${facility} --prefix=${outside.pool}`)
  const wire = `pool=public interface=${outside.device} prefix4=${outside.prefix} gateway4=${outside.router}`
  stage.type(h1, `vpc host set h1 --wire='${wire}'`)
  stage.type(h1, 'vpc cloud nat create out --vpc=red --pool=public')
  for (const name of ['red1', 'red3'])
    stage.tell(
      await comesTrue(() => pings(stage, name, outside.router)),
      `${name} reaches ${outside.router}, by a public address that red's guests share`,
    )
  stage.tell(!pings(stage, 'blue1', outside.router), 'blue1 does not: blue has no NAT')
}

/** A connection that is refused, and the rule that was missing. */
export async function showMissingRule(stage: Stage, h1: Machine): Promise<void> {
  stage.title('A connection that no rule allows')
  await using _ = await serve({ name: 'red3', netns: `${stage.tag}-red3`, address: '10.0.1.10' }, [database])
  stage.tell(await comesTrue(() => connects(stage)), `red1 gets a connection to red3, port ${database}`)
  stage.type(h1, `vpc cloud group create db --rule='direction=in protocol=icmp'`)
  stage.type(h1, 'vpc vnic set red3 --group=db')
  stage.tell(await comesTrue(async () => !(await connects(stage))), 'red1 gets none any more')
  const said = stage.type(h1, `vpc why red1 red3 --tcp=${database}`, undefined, 1)
  const command = /to allow it: (vpc .*)/.exec(said)?.[1] ?? 'false'
  stage.tell(/rule for in of group \S*db/.test(said), 'the cloud names the group and the rule that is missing')
  stage.type(h1, command)
  stage.tell(await comesTrue(() => connects(stage)), 'with that rule red1 gets its connection')
}
