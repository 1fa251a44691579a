/** Names, groups and aliases of all commands: enough to find one's file without importing any. */
import { kindNames } from '#resource/kind-names.ts'

export interface Leaf {
  readonly aliases: readonly string[]
  /** A program with options of its own follows the command's options. */
  readonly runsProgram?: boolean
}

export interface Group {
  readonly aliases: readonly string[]
  /** Its line in `vpc --help`: a noun phrase. */
  readonly summary: string
  readonly children: Readonly<Record<string, Node>>
}

export type Node = Leaf | Group

const leaf = (...aliases: string[]): Leaf => ({ aliases })
const group = (summary: string, children: Readonly<Record<string, Node>>, ...aliases: string[]): Group => ({ summary, children, aliases })

export const isGroup = (node: Node): node is Group => 'children' in node

const list = leaf('ls')
const create = leaf()
const connect = leaf('conn')
const disconnect = leaf('disco')
const destroy = leaf('rm', 'del', 'delete')
const genid = leaf()
/** As the original calls it. */
const genmac = leaf('genid')

const resource = { create: leaf(), list, get: leaf('show'), set: leaf(), destroy }

/** What can be done with resources of one kind alone. Each has a file, below `commands/cloud/KIND`. */
const special: Readonly<Record<string, Readonly<Record<string, Node>>>> = {
  vnic: { plug: leaf('bind'), unplug: leaf('unbind'), attach: leaf(), detach: leaf() },
  host: { token: leaf(), drain: leaf(), undrain: leaf(), evacuate: leaf(), destroy: leaf('rm', 'del', 'delete', 'remove') },
}

export const root: Group = group('private cloud networks for virtual machines and containers', {
  up: leaf(),
  down: leaf(),
  join: leaf(),
  login: leaf(),
  whoami: leaf(),
  context: group('clouds that you are logged in to', { list, use: leaf() }, 'contexts'),
  cloud: group('resources of a cloud: accounts, vpcs, subnets, vnics, groups and more', {
    ...Object.fromEntries(Object.entries(kindNames).map(([name, summary]) => [name, group(summary, { ...resource, ...special[name] })])),
    plan: leaf(),
    apply: leaf(),
    export: leaf(),
    watch: leaf(),
    audit: leaf(),
  }),
  console: leaf(),
  attach: leaf(),
  detach: leaf(),
  vm: group('virtual machines of this host', {
    image: group('images that virtual machines are made of', { import: leaf(), list, destroy }),
    create,
    run: leaf('start'),
    list,
    get: leaf('show'),
    console: leaf(),
    ssh: { aliases: [], runsProgram: true },
    connect: leaf(),
    stop: leaf(),
    reset: leaf(),
    attach: leaf('plug'),
    detach: leaf('unplug'),
    migrate: leaf('move'),
    receive: leaf(),
    set: leaf(),
    destroy,
  }),
  libvirt: group("interfaces of libvirt's guests on this host", {
    list,
    attach: leaf('plug'),
    detach: leaf('unplug'),
    release: leaf(),
    hook: leaf(),
  }),
  'docker-driver': leaf(),
  list,
  why: leaf(),
  trace: leaf(),
  drops: leaf(),
  capture: leaf(),
  events: leaf(),
  stats: leaf(),
  flow: group('flows of ports that are in security groups', { list, log: leaf(), export: leaf(), import: leaf() }),
  changes: leaf(),
  audit: leaf(),
  doctor: leaf(),
  export: leaf(),
  apply: leaf(),
  cluster: group('several hosts by one file, without a cloud', { check: leaf(), render: leaf(), plan: leaf(), apply: leaf() }),
  lab: group('hosts and guests in network namespaces, made from a file', {
    up: leaf(),
    exec: { aliases: [], runsProgram: true },
    list,
    down: leaf(),
  }),
  switch: group(
    'switches: each forwards the frames of one customer',
    {
      create,
      destroy,
      list,
      get: leaf('show'),
      set: leaf(),
      reset: leaf(),
      genid,
      port: group(
        'ports of switches: each plugs one interface into one switch',
        { add: leaf('create'), connect, disconnect, remove: destroy, get: leaf('show'), set: leaf(), uplink: leaf(), list, genid },
        'po',
      ),
      neighbour: group(
        'neighbours: the MAC address of each IP address, by VNI',
        { set: leaf(), get: leaf(), list, del: leaf('rm', 'delete'), 'clear-used': leaf() },
        'neighbor',
      ),
    },
    'sw',
  ),
  subnet: group('subnets: the addresses of a VNI, and their gateway', { create, destroy, list, get: leaf('show'), set: leaf(), genid }),
  router: group(
    'routers: each joins the subnets of a switch',
    {
      create,
      destroy,
      list,
      get: leaf('show'),
      set: leaf(),
      genid,
      route: group('where packets go that no subnet of a router has', { add: leaf('set'), list, del: leaf('rm', 'delete') }),
    },
    'rtr',
  ),
  nat: group('NATs: public addresses for stations of a router', {
    create,
    destroy,
    list,
    get: leaf('show'),
    set: leaf(),
    genid,
    float: group('public addresses that each stand for one station', { add: leaf('set'), remove: destroy, list }),
    block: group('public ports that stations have of shared addresses', { list }),
    port: group('ports of stations and the public ones that they have now', { list }),
  }),
  group: group(
    'security groups: who may talk to whom',
    {
      create,
      destroy,
      list,
      get: leaf('show'),
      set: leaf(),
      genid,
      rule: group('rules of a security group: what may pass', { add: leaf('set'), del: leaf('rm', 'delete') }),
      member: group('members of a security group on other hosts', { add: leaf(), del: leaf('rm', 'delete'), list }),
    },
    'sg',
  ),
  'address-set': group('networks that rules name as one peer', {
    create,
    destroy,
    list,
    get: leaf('show'),
    set: leaf(),
    genid,
    add: leaf(),
    remove: leaf(),
  }),
  interface: group('interfaces of all types that a port can be connected to', { list }, 'int', 'intf'),
  vmnic: group(
    'network interfaces of virtual machines',
    { create, destroy, list, genmac, get: leaf('show'), set: leaf(), exec: leaf() },
    'nic',
    'if',
    'iface',
  ),
  hostif: group('network interfaces of the host and its containers', { create, destroy, list, genmac, get: leaf('show'), set: leaf() }),
  ethlink: group(
    'interfaces of the host that switches use as uplinks',
    { create, destroy, list, connect, disconnect, get: leaf('show'), set: leaf(), vtag: leaf('vlan'), genid },
    'l2link',
    'phys',
  ),
  mux: group('VXLAN multiplexers: they carry subnets between hosts', {
    create: leaf('new'),
    destroy: leaf('rm', 'del'),
    list,
    connect: leaf('conn', 'con'),
    disconnect,
    listen: leaf(),
    set: leaf(),
    show: leaf('get', 'status'),
    probe: leaf(),
    genid,
    fte: group(
      'forwarding table entries: the host that has a MAC address',
      { set: leaf(), get: leaf(), list, del: leaf('rm', 'delete'), 'clear-used': leaf() },
      'l3_cam',
      'l3_fib',
      'ft',
    ),
  }),
  name: leaf('rename'),
  exec: { aliases: [], runsProgram: true },
  daemon: leaf(),
  agent: group('the agent: makes this host do what a cloud says', { run: leaf(), status: leaf('show') }),
  api: leaf(),
  issuer: leaf(),
  exporter: leaf(),
  db: group('the store of the control plane', {
    ping: leaf('status'),
    export: leaf(),
    import: leaf(),
    migrate: leaf(),
    defrag: leaf(),
    finalize: leaf(),
  }),
  doc: group('documentation, made from the command table', { man: leaf(), md: leaf(), schema: leaf() }, 'docs', 'documentation'),
  shell: group('help for shells', { autocomplete: group('completion scripts', { bash: leaf(), zsh: leaf(), fish: leaf() }) }),
  version: leaf(),
})

/** Titles of parts of `vpc --help`, each by the command that begins its part. */
export const titles: Readonly<Record<string, string>> = {
  up: 'This machine as a cloud',
  attach: 'Guests',
  list: 'What happens, and why',
  export: 'The host as a whole',
  switch: 'Objects of this host',
  daemon: 'Services',
  doc: 'Help',
}
