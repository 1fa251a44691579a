/** `vpc libvirt attach`. */
import { generateId, idMac } from '#abi/id.ts'
import { formatMac } from '#wire/mac.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { wishFrom } from '../../libvirt/domain.ts'
import { makeInterface } from '../../libvirt/interfaces.ts'
import { surroundingOptions, surroundingsOf } from '../../libvirt/options.ts'
import { recordsOf } from '../../libvirt/record.ts'
import { attachDevice, connectOption, macsOf, runningDomain } from '../../libvirt/virsh.ts'
import { integer, text } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { allOrNothing } from '../../undo.ts'

export default command({
  path: 'libvirt attach',
  summary: 'plug an interface into a running guest of libvirt',
  description: `Makes the interface as the hook does, and has virsh attach it. It is there until the guest ends; for later starts write it
    into the domain. All of it is done, or nothing. Repeating it changes nothing.`,
  positionals: [
    { name: 'DOMAIN', help: 'name or UUID of the domain' },
    { name: 'DEV', help: 'name of the interface on the host' },
  ],
  options: {
    vnic: text('vnic of the cloud', 'NAME', { names: 'vnic' }).defaultsTo('DEV, unless --switch is given'),
    subnet: text('subnet of the cloud, where the vnic is made if there is none', 'NAME', { names: 'subnet' }),
    group: text('group of a vnic that is made', 'NAME', { names: 'group' }).repeated,
    switch: text('switch of this host', 'SWITCH'),
    vni: integer('VNI of the port', 'VNI', 0, 0xffffff).defaultsTo("the switch's"),
    address: text('address that the interface may send from', 'ADDRESS').repeated,
    queues: integer('pairs of queues', 'NUMBER', 2, 16).default(2),
    connect: connectOption,
    ...surroundingOptions,
  },
  examples: [
    { line: 'vpc libvirt attach web1 web1-db --subnet=red/db', does: 'a new vnic web1-db' },
    { line: 'vpc libvirt attach web1 web1-lan --switch=lan --address=10.0.0.7', does: 'a port in switch lan of this host' },
  ],
  async run(given, context, [domain, dev]) {
    const { vnic, subnet, group, switch: sw, vni, address, queues, connect } = given
    const words = {
      dev,
      vnic,
      subnet,
      groups: group.join(' ') || undefined,
      switch: sw,
      vni: vni?.toString(),
      addresses: address.join(' ') || undefined,
    }
    const wish = wishFrom(words, usageFailure)
    const around = surroundingsOf(given, context)
    const { uuid, name } = runningDomain(connect, domain!)
    const before = recordsOf(around.stateDir, uuid).find((each) => each.dev === dev)
    if (before !== undefined && macsOf(connect, uuid).includes(before.mac))
      return alreadySo(context.output, `domain ${name} has ${dev}`, { mac: before.mac })
    await allOrNothing(async (undo) => {
      const mac = 'host' in wish.to ? (before?.mac ?? formatMac(idMac(generateId('vmnic')))) : undefined
      const ready = await makeInterface({ ...wish, domain: uuid, name, mac, queues, mtuBytes: undefined }, around, undo)
      attachDevice(connect, uuid, interfaceXml(wish.dev, queues, ready))
      done(context.output, `domain ${name} has ${dev}: ${ready.mac}`, ready)
    })
  },
})

/** The element of an interface, as libvirt reads it. */
const interfaceXml = (
  dev: string,
  queues: number,
  { mac, mtuBytes }: { mac: string; mtuBytes: number },
): string => `<interface type='ethernet'>
  <mac address='${mac}'/><target dev='${dev}' managed='no'/><model type='virtio'/>
  <driver name='qemu' queues='${queues}'/><mtu size='${mtuBytes}'/>
</interface>
`
