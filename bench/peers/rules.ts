/** What the guests of a scenario with security rules let in: rules that nobody matches first. */
import type { RuleJson } from '#abi/group-rule.ts'

/** Rules before the ones that the guests' packets match. */
export const others = 50
/** Of the guests. */
export const network = '10.99.0.0/24'

/** What each guest lets in, as rules of a group. */
export const rules: readonly RuleJson[] = [
  ...Array.from({ length: others }, (_, i): RuleJson => ({
    id: String(i + 1),
    direction: 'in',
    protocol: 'tcp',
    ports: [String(20_001 + i)],
    peers: [`192.0.2.${i}/32`],
  })),
  ...(['tcp', 'udp', 'icmp'] as const).map((protocol, i): RuleJson => ({
    id: String(1001 + i),
    direction: 'in',
    protocol,
    peers: [network],
  })),
]
