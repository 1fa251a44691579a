/** `vpc attach`. */
import { command } from '../command.ts'
import { guestKey, guestNetns, guestOptions, guestText, parseGuestAddress } from '../guest-options.ts'
import { switchId } from '../id-options.ts'
import { ipOption } from '../kinds.ts'
import { attach } from '../local-attachment.ts'
import { valueOption } from '../option.ts'
import { alreadySo, done } from '../outcome.ts'
import { allOrNothing } from '../undo.ts'

export default command({
  path: 'attach',
  summary: 'give a container an interface in a switch of this host',
  description: `Makes a hostif and a port of the switch with the addresses, and has
    vpcd hand the interface over, now and whenever the namespace, the host or vpcd was started anew. Repeating it changes nothing; with
    other addresses it changes them. All of it is done, or nothing. In a cloud, vpc vnic attach does this by name.`,
  options: {
    switchId,
    ...guestOptions,
    address: valueOption<string>('address in the container, with the prefix length of its network', {
      placeholder: 'ADDRESS/LENGTH',
      parse: parseGuestAddress,
    }).repeated,
    gateway: ipOption('next router of the default route').repeated,
  },
  examples: [
    { line: 'vpc attach red --netns=web --address=10.0.0.1/24', does: 'eth0 with an address in namespace web' },
    { line: 'vpc attach da64 --pid=4711 --address=10.0.0.2/24 --gateway=10.0.0.254', does: 'in the container of process 4711' },
  ],
  async run({ switchId: id, netns, pid, container, as, address: addresses, gateway: gateways }, { vpc, output }) {
    const [address, gateway] = [unique(addresses), unique(gateways)]
    const given = { netns, pid, container }
    const place = { key: guestKey(given), netns: guestNetns(given), name: as }
    const client = await vpc()
    const { changed, unit } = await allOrNothing((undo) => attach(client, id, { ...place, addresses: address, gateways: gateway }, undo))
    const said = `${unit} is ${as} in ${guestText(given)}${address.length === 0 ? '' : `: ${address.join(' ')}`}`
    if (changed) done(output, said, { switch: id, unit })
    else alreadySo(output, said, { switch: id, unit })
  },
})

/** vpcd keeps each once. */
const unique = (list: readonly string[]): string[] => [...new Set(list)]
