/** `vpc mux probe`. */
import type { Id } from '#abi/id.ts'
import type { Neighbour } from '#client/text.ts'
import type { Vpc } from '#client/vpc.ts'
import { parseEndpoint } from '#wire/endpoint.ts'
import { parseIp } from '#wire/ip-address.ts'
import type { Vni } from '#wire/vni.ts'
import type { ProbedMux, Question, Target } from '#daemon/vtep-probe.ts'
import { command } from '../../command.ts'
import { exitCodes, Failure } from '../../failure.ts'
import { muxId } from '../../id-options.ts'
import { vtepOption } from '../../kinds.ts'
import { probeText } from '../../probe-text.ts'

/** Number of guests of a VTEP to ask for: the other host may not know a guest that has just moved. */
const questionsPerVtep = 3

export default command({
  path: 'mux probe',
  summary: 'see whether VXLAN packets arrive at the VTEPs of a mux',
  description: `Sends VXLAN packets to the mux's VTEPs: ARP or ND questions for their guests, which the command knows
    from the forwarding entries of the mux and the neighbours of this host's switches. The other host's programs answer
    such a question at once, whether its vpcd runs or not. An answer shows that the underlay carries the mux's UDP port
    both ways. The command then asks with a packet of the guests' MTU that may not be fragmented. If that packet does
    not arrive, the command looks for the largest one that does.

    Silence does not prove a failure: the other host may not know the guest as a neighbour. The command cannot ask a
    VTEP when it knows the address of none of its guests; it still sees ICMP errors for it. This host counts each answer
    as dropped, unknown_mac.

    Needs root on the host of vpcd. The exit code is 1 when a VTEP failed.`,
  options: { muxId, vtep: vtepOption('probe only this VTEP; it needs no forwarding entry').short('r') },
  examples: [
    { line: 'vpc mux probe vpcmux0', does: 'every VTEP that the forwarding entries name' },
    { line: 'vpc mux probe vpcmux0 --vtep=192.0.2.2', does: 'one' },
  ],
  async run({ muxId: id, vtep }, { vpc, output }) {
    const { probeMux, ProbeRefused } = await import('#daemon/vtep-probe.ts')
    const client = await vpc()
    await using mgmt = await client.mgmt()
    const { targets, mux } = await look(client, id, vtep)
    const { pid } = await mgmt.info()
    try {
      const results = await probeMux({ ...mux, pid }, targets)
      output.result(results, () => (results.length === 0 ? 'no forwarding entry names a VTEP' : probeText(results, output.style)))
      return results.some(({ state }) => state === 'failed') ? exitCodes.failed : exitCodes.ok
    } catch (error) {
      if (error instanceof ProbeRefused) throw new Failure('denied', error.message)
      throw error
    }
  },
})

interface Looked {
  readonly mux: Omit<ProbedMux, 'pid'>
  readonly targets: readonly Target[]
}

/** The mux, and what can be asked of whom. */
async function look(client: Vpc, id: Id, only: string | undefined): Promise<Looked> {
  await using mux = await client.openMux(id)
  const { device, listen, underlay, mtuBytes } = await mux.describe()
  const own = listen === null ? undefined : parseEndpoint(listen)
  if (own?.ok !== true) throw new Failure('failed', `mux ${id} does not listen; say where: vpc mux listen`)
  if (underlay === null) throw new Failure('failed', `mux ${id} has no underlay; connect one: vpc mux connect`)
  const addresses = await addressesOf(client)
  const asked = new Map<string, Question[]>(only === undefined ? [] : [[only, []]])
  for (const entry of await mux.entries()) {
    if (only !== undefined && entry.vtep !== only) continue
    const questions = asked.get(entry.vtep) ?? []
    asked.set(entry.vtep, questions)
    const address = addresses.get(`${entry.vni} ${entry.mac}`)
    if (address !== undefined && questions.length < questionsPerVtep) questions.push({ vni: entry.vni as Vni, address })
  }
  const targets = Array.from(asked, ([text, questions]) => ({ ...endpointOf(text, own.value.port), questions }))
  const { address: from, port } = own.value
  return { mux: { id, device, from, port, mtuBytes }, targets }
}

/** Addresses by VNI and MAC. */
async function addressesOf(client: Vpc): Promise<Map<string, Question['address']>> {
  await using mgmt = await client.mgmt()
  const found = new Map<string, Question['address']>()
  for (const { id } of await mgmt.describeAll('vpcsw')) {
    await using sw = await client.openSwitch(id)
    for (const { vni, mac, address: text } of await sw.neighbours()) note(found, { vni, mac, address: text })
  }
  return found
}

function note(found: Map<string, Question['address']>, { vni, mac, address: text }: Neighbour): void {
  const address = parseIp(text)
  if (address.ok) found.set(`${vni} ${mac}`, address.value)
}

function endpointOf(text: string, port: number): { readonly address: Uint8Array; readonly port: number } {
  const bare = parseIp(text)
  if (bare.ok) return { address: bare.value, port }
  const endpoint = parseEndpoint(text)
  if (!endpoint.ok) throw new Failure('usage', endpoint.problem)
  return endpoint.value
}
