/** `vpc capture`. */
import { closeSync, fchownSync, openSync, writeSync } from 'node:fs'
import type { DropEvent, ObjectInfo, PortInfo, VmnicInfo, HostifInfo } from '#abi/info.ts'
import { capture, type DropTap, type Tap, type TapCount } from '#capture/capture.ts'
import { NoDevice, sidesOf } from '#capture/devices.ts'
import { checkFilter, TcpdumpFailed } from '#capture/tcpdump.ts'
import type { Mgmt } from '#client/mgmt.ts'
import type { Vpc } from '#client/vpc.ts'
import { userId } from '#system/accounts.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { clientForNames, sayNoNames } from '../cloud/client-for-names.ts'
import { command } from '../command.ts'
import { DropNames, withNames } from '../drop-names.ts'
import { causeText, wordsOf } from '../drop-text.ts'
import { Failure, usageFailure } from '../failure.ts'
import { idOf } from '../kinds.ts'
import { choice, integer, text } from '../option.ts'
import { packageVersion } from '../package-version.ts'
import { vnicPort } from '../vnic-port.ts'

export default command({
  path: 'capture',
  summary: 'capture the frames of a port, before and after the datapath, and what is dropped',
  description: `Writes a file in the pcapng format, which tshark, Wireshark and tcpdump read. It has three places: what the guest sends, before
    the programs see it; what they deliver to it; and a sample of the packets that they drop, each with the reason as its comment. For a switch
    it has what the switch forwards. Comments have names of the cloud where vpc drops --follow has them.

    tcpdump opens the sockets, so --filter is libpcap's language, and the user must be root. Nothing is slower while nobody captures.

    It ends with SIGINT (Ctrl-C) or SIGTERM, after --count frames, --max-size bytes (1 GiB) or --duration, or when nobody reads its output, and says how many frames there were.`,
  options: {
    port: idOf('vpcp', 'the port whose interface is captured'),
    vnic: text('the vnic, by its id or its name in the cloud', 'VNIC', { names: 'vnic' }),
    switchId: idOf('vpcsw', 'a switch: all frames that it forwards, 10 000 a second at most'),
    where: choice('only what the guest sends (out), what is delivered to it (in), both, or what is dropped', [
      'in',
      'out',
      'both',
      'drops',
      'all',
    ]).default('all'),
    filter: text('only frames that this filter takes, as tcpdump has them', 'FILTER'),
    write: text('the file; - is standard output', 'FILE', 'file').short('w').default('-'),
    count: integer('stop after so many frames', 'NUMBER', 1, 0xffff_ffff).short('c'),
    maxSize: integer('stop when the file has so many bytes', 'BYTES', 1_000, 0xffff_ffff_ffff).defaultsTo(
      '1 GiB; none for standard output',
    ),
    duration: integer('stop after so many seconds', 'SECONDS', 1, 864_000),
    user: text('whose the file is: tshark need not run as root', 'NAME|UID').defaultsTo('root'),
    snaplen: integer('bytes of each frame at most', 'BYTES', 14, 262_144).default(262_144),
    context: text('context of the cloud that has the vnic (vpc context list)', 'NAME'),
    stateDir: agentStateDir,
  },
  examples: [
    { line: `vpc capture --vnic=web1 --filter='tcp port 443' -w web1.pcapng`, does: 'to a file' },
    { line: 'vpc capture --port=web | tshark -r -', does: 'watch it' },
    { line: 'vpc capture --port=web --where=drops | tshark -r - -T fields -e frame.comment', does: 'why' },
  ],
  async run(
    { port, vnic, switchId, where, filter, write, count, maxSize, duration, user, snaplen, context, stateDir },
    { vpc, output, signal },
  ) {
    if ([port, vnic, switchId].filter((each) => each !== undefined).length !== 1)
      throw usageFailure('say what to capture: one of --port, --vnic and --switch-id')
    if (process.getuid?.() !== 0) throw new Failure('denied', 'capturing opens packet sockets; run vpc capture as root', { code: 'EPERM' })
    if (write === '-' && process.stdout.isTTY) throw usageFailure('frames are not text for a terminal; give a file with -w, or a pipe')
    const uid = user === undefined ? undefined : userId(user)
    if (user !== undefined && uid === undefined) throw usageFailure(`--user: there is no user '${user}'`)
    const client = await vpc()
    await using mgmt = await client.mgmt()
    const names = new DropNames(mgmt, { stateDir, client: clientForNames(context), say: sayNoNames })
    try {
      if (filter !== undefined) checkFilter(filter)
      const target =
        switchId === undefined
          ? await ofPort(client, mgmt, port ?? (await vnicPort(vnic!, { context, stateDir })), where, commentBy(names))
          : await ofSwitch(client, switchId)
      const stop = new AbortController()
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
      const fd = write === '-' ? 1 : openFile(write, uid)
      const options = { ...target, filter, count, snapLength: snaplen, application: `vpc ${packageVersion()}` }
      const say = (line: string): unknown => process.stderr.write(`${line}\n`)
      const onReady = (): unknown => say(`capturing ${target.what}; Ctrl-C ends it`)
      let size = 0
      const keep = (bytes: Uint8Array): void => {
        writeAll(fd, bytes, stop)
        size += bytes.length
        if (size >= (maxSize ?? (fd === 1 ? Infinity : mostBytes))) stop.abort()
      }
      const ends = [signal, stop.signal, ...(duration === undefined ? [] : [AbortSignal.timeout(duration * 1000)])]
      const counts = await capture({ ...options, onReady, write: keep }, AbortSignal.any(ends))
      if (fd !== 1) closeSync(fd)
      for (const each of counts) say(countText(each))
      if (write !== '-') output.result(counts, '')
    } catch (error) {
      if (error instanceof TcpdumpFailed || error instanceof NoDevice) throw new Failure('failed', `cannot capture: ${error.message}`)
      throw error
    }
  },
})

const countText = ({ name, frames, lost }: TapCount): string =>
  `${name}: ${frames} frame${frames === 1 ? '' : 's'}${lost === 0 ? '' : `, ${lost} more were lost: they came faster than they were written`}`

/** Of a file: a capture that somebody forgets fills no disk. */
const mostBytes = 0x4000_0000

/** A file of a user, whom alone it is for. */
function openFile(path: string, uid: number | undefined): number {
  try {
    const fd = openSync(path, 'w', 0o600)
    if (uid !== undefined) fchownSync(fd, uid, -1 as unknown as number)
    return fd
  } catch (error) {
    throw new Failure('failed', `cannot write ${path}: ${(error as Error).message}`)
  }
}

/** A reader that is gone ends the capture. */
function writeAll(fd: number, bytes: Uint8Array, stop: AbortController): void {
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN') return writeAll(fd, bytes, stop)
    if (code !== 'EPIPE') throw error
    stop.abort()
  }
}

interface Target {
  /** For people. */
  readonly what: string
  readonly taps: readonly Tap[]
  readonly drops?: DropTap
}

async function ofPort(vpc: Vpc, mgmt: Mgmt, id: string, where: string, commentOf: DropTap['commentOf']): Promise<Target> {
  const all = await mgmt.describeAll()
  const port = all.find((each): each is PortInfo => each.type === 'vpcp' && each.id === id)
  if (port === undefined) throw new Failure('failed', `there is no port ${id} on this host; vpc switch port list shows those that are`)
  const unit = all.find((each): each is VmnicInfo | HostifInfo => each.id === port.peer)
  if (unit === undefined) throw new Failure('failed', `no interface is connected to ${port.unit}; vpc switch port connect connects one`)
  return { what: `${unit.unit} in ${port.unit}`, ...tapsOf(vpc, port, unit, where, commentOf) }
}

function tapsOf(vpc: Vpc, port: PortInfo, unit: ObjectInfo, where: string, commentOf: DropTap['commentOf']): Omit<Target, 'what'> {
  const sides = where === 'drops' ? undefined : sidesOf(unit)
  const has = (...words: readonly string[]): boolean => words.includes(where)
  const taps: Tap[] = []
  if (sides !== undefined && has('out', 'both', 'all'))
    taps.push({ name: `${unit.unit} sent`, description: 'from the guest, before the datapath', ...sides.sent, direction: 'out' })
  if (sides !== undefined && has('in', 'both', 'all'))
    taps.push({ name: `${unit.unit} delivered`, description: 'to the guest, after the datapath', ...sides.delivered, direction: 'in' })
  const isOurs = ({ port: of, refusal }: DropEvent): boolean => of === port.unit || refusal?.port === port.unit
  const drops = { ...dropsOf(vpc, isOurs), commentOf }
  return { taps, ...(has('drops', 'all') && { drops }) }
}

async function ofSwitch(vpc: Vpc, id: string): Promise<Target> {
  await using sw = await vpc.openSwitch(id)
  const { unit } = await sw.describe()
  return {
    what: `frames that ${unit} forwards`,
    taps: [{ name: unit, description: 'what the switch forwards', place: { device: unit }, way: 'inout' }],
  }
}

/** `lost` counts those of other ports, too: nobody knows whose they were. */
function dropsOf(vpc: Vpc, isOurs: (event: DropEvent) => boolean): Pick<DropTap, 'events' | 'lost'> {
  let lost = 0
  return {
    lost: () => lost,
    async *events(signal) {
      await using mgmt = await vpc.mgmt()
      await mgmt.limit({ operations: ['mgmtDropsFollow'] })
      try {
        for await (const event of mgmt.followDrops(signal)) if (isOurs(event)) yield event
      } finally {
        lost = mgmt.lostEvents
      }
    },
  }
}

/** With names of the cloud, as `vpc drops` has them. */
const commentBy =
  (names: DropNames) =>
  async (event: DropEvent): Promise<string> =>
    withNames(commentOf(event), await names.of(wordsOf(event)))

function commentOf(event: DropEvent): string {
  const { reason, lost } = event
  const cause = causeText(event)
  return `${reason}${cause && `: ${cause}`}${lost === 0 ? '' : ` (${lost} drops before it are not shown)`}`
}
