/** A line of `vpc doctor`: whether another machine has an address of this host, which takes its packets. */
import type { ProbeResult } from '#abi/info.ts'
import { addressHolders, type Holders } from '#datapath/probe/duplicate.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { Netns } from '#kernel/netns.ts'

const name = 'duplicate-address'

/** Ask in the network namespace of a process of this machine, by default of this one. */
export async function probeDuplicates(pid?: number): Promise<ProbeResult> {
  try {
    using netns = pid === undefined ? Netns.current() : Netns.ofPid(pid)
    return judgeHolders(await addressHolders((run) => netns.run(run)))
  } catch (error) {
    if (!isForbidden(error)) throw error
    return { name, state: 'unknown', found: 'other machines were not asked, for lack of privileges', remedy: 'run it as root' }
  }
}

/** What was found, for people. */
export function judgeHolders(holders: readonly Holders[]): ProbeResult {
  const twice = holders.filter(({ others }) => others.length > 0)
  if (twice.length === 0) {
    const asked = holders.map(({ address }) => address).join(', ')
    return { name, state: 'ok', found: asked === '' ? 'there is no address to ask for' : `no other machine has ${asked}`, remedy: '' }
  }
  const found = twice.map(({ device, address, others }) => `${others.join(' and ')} on ${device} has ${address}, too`).join('; ')
  const [{ device, address }] = twice as [Holders]
  return {
    name,
    state: 'warning',
    found: `${found}: packets for this host go to it, by turns`,
    remedy: `give one of them another address; to see it answer: arping -D -c 3 -I ${device} ${address}`,
  }
}

const isForbidden = (error: unknown): boolean =>
  (error instanceof KernelError && [errno.EPERM, errno.EACCES].includes(error.errno)) ||
  (error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'ENOENT'].includes(String(error.code)))
