/** Files of the package for the system's own programs, made from the tables of users and of device names. */
import { ownUsers } from '#abi/own-users.ts'
import { networkFiles } from '#abi/network-files.ts'

/** Users of processes that the package runs as services, with their directories. */
const users = {
  'vpc-agent': { id: String(ownUsers.agent), home: '/var/lib/vpc-agent', what: 'agent of VPC' },
  'vpc-api': { id: String(ownUsers.api), home: '/var/lib/vpc/api', what: 'API of VPC' },
  'vpc-issuer': { id: String(ownUsers.issuer), home: '/var/lib/vpc/issuer', what: 'issuer of VPC' },
  'vpc-flow-log': { id: '-', home: '-', what: 'flow log of VPC' },
  'vpc-docker-driver': { id: '-', home: '-', what: 'networks of docker' },
  'vpc-exporter': { id: '-', home: '-', what: 'metrics of VPC' },
} as const

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
  ...Object.fromEntries(Object.values(networkFiles).map(({ path, text }) => [`usr/lib/${path}`, head + text])),
}

/** Files that have podman and CRI-O start the OCI hook for containers with annotations of ours, by their names. */
export const hookFiles = (program: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['createRuntime', 'poststop'].map((stage) => [
      `vpc-${stage.toLowerCase()}.json`,
      `${JSON.stringify(
        {
          version: '1.0.0',
          hook: { path: program, args: ['vpc-oci-hook', stage] },
          when: { annotations: { '^vpc\\.(switch|subnet)$': '.+' } },
          stages: [stage],
        },
        null,
        2,
      )}\n`,
    ]),
  )
