/** `vpc group rule add`. */
import { failure, success, type Result } from '#wire/result.ts'
import { formatRule, peerTypes, readNetwork, readRules, rules } from '#abi/group-rule.ts'
import { command } from '../../../command.ts'
import { usageFailure } from '../../../failure.ts'
import { parseGiven } from '../../../given-name.ts'
import { groupId } from '../../../id-options.ts'
import { choice, text, valueOption } from '../../../option.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

/** A network or an address, or an object as people name it. */
function parsePeer(text: string): Result<string> {
  const network = readNetwork(text)
  if (network.ok) return success(network.value)
  return /[/:]|^[\d.]+$/.test(text) ? failure(network.problem) : parseGiven(text, peerTypes)
}

export default command({
  path: 'group rule add',
  summary: 'add a rule to a security group',
  description: `A rule allows packets of its direction and protocol, to its ports, and from or to one of its peers.
    Without peers, ports or an ICMP type, it allows all of them. It replaces a rule of the same name.

    Direction in: from a peer to a port that is in the group, by the destination port. Direction out: the other way.
    While no group of a port has a rule for out, everything may go out.

    A peer is a network, an address, a security group, an address set or a subnet. A subnet stands for its prefixes,
    whatever they become. A rule that can never match is refused.`,
  options: {
    groupId,
    rule: text('name of the rule: a number from 1 to 65535 or a UUID', 'RULE').required,
    direction: choice('to the ports of the group, or from them', ['in', 'out']).required,
    protocol: text('any, tcp, udp, icmp, icmpv6 or a number', 'PROTOCOL').default('any'),
    ports: text('destination ports and ranges: 80,443,8000-8010', 'PORTS'),
    icmp: text('ICMP type, or type and code: 8, 3/4', 'TYPE[/CODE]'),
    peer: valueOption('network, address, group, address set or subnet', { placeholder: 'PEER', parse: parsePeer }).repeated,
  },
  examples: [
    {
      line: 'vpc group rule add web --rule=10 --direction=in --protocol=tcp --ports=80,443',
      does: 'anybody reaches the web servers',
    },
    {
      line: 'vpc group rule add web --rule=20 --direction=in --protocol=tcp --ports=5432 --peer=app',
      does: 'members of another group reach the database',
    },
  ],
  async run({ groupId: id, rule, direction, protocol, ports, icmp, peer }, { vpc, output }) {
    const asked = { id: rule, direction, protocol, ports: ports?.split(',') ?? [], icmp: icmp ?? null, peers: peer }
    const read = readRules([asked])
    if (!read.ok) throw usageFailure(read.problem)
    await using object = await (await vpc()).openGroup(id, { write: true })
    const info = await object.describe()
    const said = `${unitText(info)}: rule ${rule} allows ${formatRule(read.value[0]!)}`
    const [wanted] = rules.toJson(read.value)
    const isSame = info.rules.some((each) => JSON.stringify(each) === JSON.stringify(wanted))
    if (isSame) return alreadySo(output, said, { id, rule: read.value[0] })
    await object.addRules(read.value)
    done(output, said, { id, rule: read.value[0] })
  },
})
