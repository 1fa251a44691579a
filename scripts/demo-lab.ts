/**
 * `npm run demo -- --lab`: brings up a lab of three hosts and two customers with the same addresses, shows who reaches
 * whom, how fast, and what was counted, and takes it down. Exits with 0 only when what it shows is what it should be;
 * `--keep` leaves the lab up.
 */
import { constants } from 'node:os'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { DropEvent } from '#abi/info.ts'
import { causeText } from '#cli/drop-text.ts'
import { styleFor } from '#cli/style.ts'
import { formatTable } from '#cli/table.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'
import { readCounters, type HostCounters } from '#lab/counters.ts'
import { drawLab } from '#lab/drawing.ts'
import { bringDown } from '#lab/lab-down.ts'
import { LabError } from '#lab/lab-error.ts'
import { bringUp } from '#lab/lab-up.ts'
import { formatMatrix, wrong } from '#lab/matrix.ts'
import { existingNetns } from '#lab/netns.ts'
import { mainAddress, netnsNames, type LabPlan } from '#lab/plan.ts'
import type { GuestPlan } from '#lab/plan-guest.ts'
import { probeAll } from '#lab/reachability.ts'
import { formatIp } from '#wire/ip-address.ts'
import { connectionFrom, serve } from '#lab/service.ts'
import { measureTransfer } from '#lab/transfer.ts'

const file = fileURLToPath(new URL('../examples/demo.yaml', import.meta.url))
const style = styleFor(undefined, process.stdout.isTTY === true, process.env)
const colours = { red: style.red, blue: style.blue } as Readonly<Record<string, (text: string) => string>>
const databasePort = 5432
const webPort = 80
const steps = 7
/** Any working way is far above, any that lost its large segments below. */
const leastGigabits = 0.5

const say = (text = ''): void => void process.stdout.write(`${text}\n`)
const title = (step: number, text: string): void => say(`\n${style.bold(`${step}/${steps}  ${text}`)}`)
const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** What this demo drops, by reason. */
const expectedDrops = {
  no_neighbour: "blue's guests asked for addresses that nobody of theirs has, and were not answered",
  sg_denied: 'connections that no rule allows were dropped',
  nat_no_mapping: 'what came from outside for a shared address, and unasked, was dropped',
}

/** One thing that was looked at: told with a mark, and remembered for the exit code. */
class Verdicts {
  readonly failed: string[] = []

  tell(isRight: boolean, what: string): void {
    say(`  ${isRight ? style.green('✓') : style.red('✗')} ${what}`)
    if (!isRight) this.failed.push(what)
  }
}

async function showReachability(plan: LabPlan, verdicts: Verdicts, signal: AbortSignal): Promise<void> {
  const names = plan.guests.map(({ name }) => name)
  const probes = await probeAll(plan.guests, { signal })
  const paint = ({ expected, actual }: { expected: boolean; actual: boolean }, text: string): string =>
    expected !== actual ? style.bold(style.red(text)) : actual ? style.green(text) : style.dim(text)
  say(indent(formatMatrix(names, probes, paint)))
  const sameAddress = plan.guests.filter((guest) => mainAddress(guest) === mainAddress(plan.guests[0]!)).map(({ name }) => name)
  say(`  ${sameAddress.join(' and ')} have the same address. yes: the ping was answered, by that very guest\n`)
  const reached = probes.filter(({ actual }) => actual).length
  const bad = wrong(probes)
  verdicts.tell(
    bad.length === 0,
    `${reached} of ${probes.length} pairs reach each other: those of one customer, on whatever host, and no others`,
  )
  for (const { from, to, actual } of bad) say(`    ${from} → ${to}: ${actual ? 'reached, and should not be' : 'not reached'}`)
}

async function showTransfer(plan: LabPlan, verdicts: Verdicts, signal: AbortSignal): Promise<void> {
  const [from, to] = [guestOf(plan, 'red1'), guestOf(plan, 'red3')]
  const { gigabitsPerSecond, bytes, seconds } = await measureTransfer({ netns: from.netns, address: mainAddress(from) }, to, {
    seconds: 1,
    signal,
  })
  const moved = `${(bytes / 1e9).toFixed(1)} GB in ${seconds.toFixed(1)} s from ${from.name} on ${from.host} to ${to.name} on ${to.host}`
  verdicts.tell(gigabitsPerSecond >= leastGigabits, `${style.bold(`${gigabitsPerSecond.toFixed(1)} Gb/s`)}: ${moved}`)
}

const guestOf = (plan: LabPlan, name: string): GuestPlan => plan.guests.find((guest) => guest.name === name)!

async function showGroups(plan: LabPlan, verdicts: Verdicts, signal: AbortSignal): Promise<void> {
  const [web, other, database] = ['red2', 'red1', 'red5'].map((name) => guestOf(plan, name)) as [GuestPlan, GuestPlan, GuestPlan]
  await using _ = await serve({ ...database, address: mainAddress(database) }, [databasePort])
  await using mgmt = await new Vpc({ socketPath: plan.hosts.find(({ name }) => name === database.host)!.socket }).mgmt()
  const drops = new AbortController()
  const denied = firstDenied(mgmt, AbortSignal.any([signal, drops.signal]))
  denied.catch(() => {})
  const where = `${database.name}:${databasePort}`
  verdicts.tell(
    (await connectionFrom(web, mainAddress(database), databasePort, signal)) === mainAddress(web),
    `${web.name} (group web) gets a connection to ${where} (group db), over the router`,
  )
  const flow = (await mgmt.flows()).find(({ insidePort }) => insidePort === databasePort)
  say(`      vpc flow list     ${flow?.inside ?? ''}:${databasePort} from ${flow?.outside ?? ''}, allowed by ${flow?.rule ?? 'nothing'}`)
  verdicts.tell(
    (await connectionFrom(other, mainAddress(database), databasePort, signal)) === undefined,
    `${other.name} (no group) gets none`,
  )
  const event = await Promise.race([denied, sleep(2000, undefined, { signal })]).finally(() => drops.abort())
  if (event !== undefined) say(`      vpc drops         sg_denied ${causeText(event)}`)
  verdicts.tell(
    event?.refusal?.groups.includes('group1 (db)') === true,
    `the host says why: no rule of group db has ${other.name} as a peer`,
  )
}

async function showNat(plan: LabPlan, verdicts: Verdicts, signal: AbortSignal): Promise<void> {
  const [web, other] = [guestOf(plan, 'red2'), guestOf(plan, 'red1')]
  const outside = plan.wires.find(({ name }) => name === 'isp')!
  const [, beyond] = outside.addresses.map(({ address }) => formatIp(address)) as [string, string]
  const nat = plan.hosts.flatMap(({ switches }) => switches.flatMap((sw) => sw.nat ?? []))[0]!
  const [float] = nat.floats[0]!.split(' ') as [string]
  const [shared] = nat.shared as [string]
  await using _ = await serve({ ...web, address: mainAddress(web) }, [webPort])
  await using _outside = await serve({ name: outside.name, netns: outside.netns, address: beyond }, [webPort])
  verdicts.tell(
    (await connectionFrom(outside, float, webPort, signal)) !== undefined,
    `the outside gets a connection to ${float}:${webPort}, which is ${web.name} on ${web.host}`,
  )
  verdicts.tell(
    (await connectionFrom(outside, float, databasePort, signal)) === undefined,
    `and none to its port ${databasePort}: no rule of group web allows it`,
  )
  verdicts.tell(
    (await connectionFrom(web, beyond, webPort, signal)) === float,
    `${web.name} gets a connection to ${beyond}, which sees it come from ${float}`,
  )
  verdicts.tell(
    (await connectionFrom(other, beyond, webPort, signal)) === shared,
    `${other.name} has none of its own, and gets a connection from ${shared}, which red's guests share`,
  )
  verdicts.tell(
    (await connectionFrom(outside, shared, webPort, signal)) === undefined,
    `the outside gets no connection to ${shared}: nobody has asked for it`,
  )
}

/** The next packet that no rule allows. Undefined: the signal came first. */
async function firstDenied(mgmt: Mgmt, signal: AbortSignal): Promise<DropEvent | undefined> {
  for await (const event of mgmt.followDrops(signal)) if (event.reason === 'sg_denied') return event
  return undefined
}

async function showCounters(plan: LabPlan, verdicts: Verdicts): Promise<void> {
  const counters = await readCounters(plan)
  const dropped = ({ dropped: drops }: HostCounters): string =>
    Object.entries(drops)
      .map(([reason, count]) => `${count} ${reason}`)
      .join(', ') || '0'
  const right = (heading: string) => ({ title: heading, align: 'right' as const })
  const columns = [
    'HOST',
    right('FROM GUESTS'),
    right('TO GUESTS'),
    right('ENCAPSULATED'),
    right('DECAPSULATED'),
    right('ARP ANSWERED'),
    'DROPPED',
  ]
  const rows = counters.map((host) => [
    host.host,
    host.fromGuests,
    host.toGuests,
    host.encapsulated,
    host.decapsulated,
    host.answered,
    dropped(host),
  ])
  say(indent(formatTable({ columns, rows }, style)))
  const total = (of: (host: HostCounters) => number): number => counters.reduce((sum, host) => sum + of(host), 0)
  verdicts.tell(
    counters.every(({ encapsulated, decapsulated }) => encapsulated > 0 && decapsulated > 0),
    'every host sent frames through the underlay, and got some',
  )
  verdicts.tell(total(({ answered }) => answered) > 0, 'ARP was answered on the host, not flooded')
  for (const [reason, what] of Object.entries(expectedDrops))
    verdicts.tell(total(({ dropped: drops }) => drops[reason] ?? 0) > 0, `${what} (${reason})`)
  const reasons = new Set(
    counters.flatMap(({ dropped: drops }) => Object.keys(drops)).filter((reason) => !Object.hasOwn(expectedDrops, reason)),
  )
  verdicts.tell(reasons.size === 0, `nothing was dropped for another reason${reasons.size > 0 ? `, but: ${[...reasons].join(', ')}` : ''}`)
}

function sayHowToLookAround({ name }: LabPlan, vpc: string): void {
  say(`\nThe lab is up. Look around:
  ${vpc} lab exec red1 -- ping -c 3 10.0.0.3      from guest to guest, across hosts
  ${vpc} lab exec red1 -- traceroute 10.0.1.2     over the router
  ${vpc} lab exec h3 -- vpc group list            its security groups
  ${vpc} lab exec h1 -- vpc list                  the objects of host h1
  ${vpc} lab exec h1 -- vpc stats                 its counters
  ${vpc} lab exec h1 -- vpc drops --follow        what it drops, and why
  ${vpc} lab exec h1 -- ip -s link show underlay0 the wire
Take it down:
  ${vpc} lab down ${name}`)
}

async function takeDown(plan: LabPlan, verdicts: Verdicts): Promise<void> {
  await bringDown(plan.name)
  verdicts.tell(existingNetns(netnsNames(plan)).length === 0, 'the lab is down, and nothing of it is left')
}

async function demo(name: string | undefined, isKept: boolean, signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const verdicts = new Verdicts()
  title(1, 'Three hosts, each with a vpcd of its own; customers red and blue with the same addresses')
  const { plan } = await bringUp(file, { name, signal, progress: (line) => say(`  ${line}`) })
  try {
    say('\n  Guests with their address and VNI:\n')
    process.stdout.write(
      drawLab(plan, { columns: process.stdout.columns || 80, paint: (customer, text) => colours[customer]?.(text) ?? text }),
    )
    title(2, 'Who reaches whom: every guest pings every other')
    await showReachability(plan, verdicts, signal)
    title(3, 'TCP across hosts')
    await showTransfer(plan, verdicts, signal)
    title(4, 'Security groups: db takes connections from web alone')
    await showGroups(plan, verdicts, signal)
    title(5, 'Public addresses: the outside is a wire of h1')
    await showNat(plan, verdicts, signal)
    title(6, 'What the datapath counted')
    await showCounters(plan, verdicts)
  } catch (error) {
    if (!isKept || signal.aborted) await bringDown(plan.name)
    throw error
  }
  title(7, isKept ? 'The lab stays up' : 'Taking everything down')
  if (!isKept) await takeDown(plan, verdicts)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const isRight = verdicts.failed.length === 0
  say(
    `\n${isRight ? style.green('All is as it should be') : style.red(`${verdicts.failed.length} thing(s) are not as they should be`)}, in ${seconds} s.`,
  )
  if (isKept) sayHowToLookAround(plan, relative('', fileURLToPath(new URL('../bin/vpc', import.meta.url))))
  return isRight ? 0 : 1
}

function readOptions(): { readonly keep: boolean; readonly name: string | undefined } {
  try {
    const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, name: { type: 'string' } } })
    if (values.name !== undefined && !/^[a-z][a-z0-9]*$/.test(values.name))
      throw new Error(`'${values.name}' is not a name of a lab: letters and digits`)
    return { keep: values.keep, name: values.name }
  } catch (error) {
    console.error(
      `demo: ${(error as Error).message}\nusage: npm run demo -- --lab [--keep] [--name NAME]; --keep leaves the lab up, --name calls it so`,
    )
    process.exit(2)
  }
}

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort(name))
const { keep: isKept, name } = readOptions()
try {
  process.exitCode = await demo(name, isKept, interrupt.signal)
} catch (error) {
  const { aborted, reason } = interrupt.signal
  if (!aborted && !(error instanceof LabError)) throw error
  console.error(aborted ? '\ndemo: interrupted; everything is taken down' : `\ndemo: ${(error as Error).message}`)
  process.exitCode = aborted ? 128 + constants.signals[reason as NodeJS.Signals] : 1
}
