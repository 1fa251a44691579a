/** Files of the package for the system's own programs, made from the tables of users and of device names. */
import { ownUsers } from '#abi/own-users.ts'
import { unitTypes } from '#abi/object-type.ts'

/** Users of processes that the package runs as services, with their directories. */
const users = {
  'vpc-agent': { id: String(ownUsers.agent), home: '/var/lib/vpc-agent', what: 'agent of VPC' },
  'vpc-api': { id: String(ownUsers.api), home: '/var/lib/vpc/api', what: 'API of VPC' },
  'vpc-issuer': { id: String(ownUsers.issuer), home: '/var/lib/vpc/issuer', what: 'issuer of VPC' },
  'vpc-flow-log': { id: '-', home: '-', what: 'flow log of VPC' },
  'vpc-docker-driver': { id: '-', home: '-', what: 'networks of docker' },
  'vpc-exporter': { id: '-', home: '-', what: 'metrics of VPC' },
} as const

/** Names of devices that vpcd makes, as patterns. */
const devicePatterns = [...unitTypes, 'vpcroom', 'vpcsvc'].map((name) => `${name}[0-9]*`)

const head = '# Made by the package vpc.\n'

/** Contents of files by their paths below the root. */
export const systemFiles: Readonly<Record<string, string>> = {
  'usr/lib/sysusers.d/vpc.conf':
    head +
    Object.entries(users)
      .map(([name, { id, home, what }]) => `u ${name} ${id} "${what}" ${home}\n`)
      .join(''),
  // The issuer reads the store of the API; each may reach the other's socket or store alone.
  'usr/lib/tmpfiles.d/vpc.conf': `${head}d /run/vpc 0755 root root
d /var/lib/vpc 0755 root root
d /var/lib/vpc/api 2750 vpc-api vpc-issuer
f /var/lib/vpc/api/control.db 0640 vpc-api vpc-issuer
d /var/lib/vpc/issuer 2750 vpc-issuer vpc-api
d /var/lib/vpc-agent 0755 vpc-agent vpc-agent
`,
  // Network managers must not set our devices up, give them addresses, or take their MACs away.
  'usr/lib/systemd/network/05-vpc.network': `${head}[Match]
Name=${devicePatterns.join(' ')}

[Link]
Unmanaged=yes
`,
  'usr/lib/systemd/network/05-vpc.link': `${head}[Match]
OriginalName=${devicePatterns.join(' ')}

[Link]
NamePolicy=
MACAddressPolicy=none
`,
  'usr/lib/NetworkManager/conf.d/05-vpc.conf': `${head}[keyfile]
unmanaged-devices+=${devicePatterns.map((pattern) => `interface-name:${pattern}`).join(';')}
`,
}
