/**
 * The long form: pairs of hosts on the oldest kernel, the newest and both, with each kind of NIC, its offloads on and
 * off.
 */
import { describe, test } from 'node:test'
import { exchangeEverything } from '../exchange.ts'
import { kernelFor, newest, oldest, type KernelWish } from '../packages.ts'
import { bringUpPair, type HostWish } from '../pair.ts'

interface Case {
  readonly kernels: readonly [KernelWish, KernelWish]
  readonly model: NonNullable<HostWish['model']>
  readonly offloads?: boolean
}

/** Cloud kernels know no NIC that is real hardware. */
const generic: KernelWish = { ...oldest, flavour: 'generic' }

const cases: readonly Case[] = [
  { kernels: [newest, newest], model: 'virtio-net-pci' },
  { kernels: [oldest, newest], model: 'virtio-net-pci', offloads: false },
  { kernels: [newest, oldest], model: 'vmxnet3' },
  { kernels: [newest, newest], model: 'vmxnet3', offloads: false },
  { kernels: [generic, generic], model: 'e1000e' },
  { kernels: [generic, generic], model: 'e1000e', offloads: false },
]

describe('two hosts exchange pings, TCP and UDP', () => {
  for (const { kernels, model, offloads = true } of cases) {
    const [one, two] = kernels.map((wish) => ({ kernel: kernelFor(wish), model, offloads }) satisfies HostWish)
    const name = `${one!.kernel.release} and ${two!.kernel.release}, ${model}, offloads ${offloads ? 'on' : 'off'}`
    test(name, { timeout: 1_800_000 }, async () => {
      await using pair = await bringUpPair({ hosts: [one!, two!] })
      await exchangeEverything(pair, { large: offloads })
    })
  }
})
