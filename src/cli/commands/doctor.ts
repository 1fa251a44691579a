/** `vpc doctor`. */
import type { ProbeResult } from '#abi/info.ts'
import { oldestKernelText } from '#abi/requirements.ts'
import { defaultDirectories } from '#daemon/options.ts'
import { command, type Context } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { isUnreachable } from '../outcome.ts'
import { text } from '../option.ts'
import { probeText } from '../probe-text.ts'

export default command({
  path: 'doctor',
  summary: 'check whether this host has what vpc needs',
  description: `Asks vpcd, or checks by itself when vpcd is not running. Says what is missing and what to do about it;
    the exit code is then 1. The kernel must be Linux ${oldestKernelText} or newer.

    A warning is about what vpcd runs with, but packets do not pass, or not well: a firewall that drops the mux's UDP
    port or what the host routes, bridges that ask the firewall, strict rp_filter, network managers that touch vpcd's
    devices, another program on the mux's port, a narrow MTU, a full table of connections, an underlay address that
    another machine has, too. Each comes with the command that mends it. Of what is unknown, nothing says that it works.`,
  options: {
    bpffs: text('directory for the pins of vpcd, when vpcd is not running', 'DIR', 'directory').default(defaultDirectories.bpffs),
  },
  examples: [{ line: 'vpc doctor', does: 'check' }],
  async run({ bpffs }, context) {
    const results = await probe(context, bpffs)
    context.output.result(results, () => probeText(results, context.output.style))
    return results.some(({ state }) => state === 'failed') ? exitCodes.failed : exitCodes.ok
  },
})

async function probe({ vpc }: Context, bpffs: string): Promise<ProbeResult[]> {
  const { probeDuplicates } = await import('#daemon/duplicate-address.ts')
  try {
    await using mgmt = await (await vpc()).mgmt()
    return [...(await mgmt.probe()), await probeDuplicates((await mgmt.info()).pid)]
  } catch (error) {
    if (!isUnreachable(error)) throw error
    const { probe: probeHere } = await import('#daemon/probe.ts')
    return [...(await probeHere({ bpffs })), await probeDuplicates()]
  }
}
