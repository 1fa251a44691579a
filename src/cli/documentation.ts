/** The common parts of the generated pages: which pages there are, and the texts of no single command. */
import type { Command } from './command.ts'
import { commandsOf } from './help.ts'
import { loadTree } from './load.ts'
import { isGroup, root } from './tree.ts'

/** All commands that begin with one word: a group's, or the one of that name. */
export interface Chapter {
  readonly name: string
  readonly aliases: readonly string[]
  /** What the group is, or what the command does. */
  readonly summary: string
  readonly commands: readonly Command[]
}

/** The chapters, in the tree's order. */
export async function loadChapters(): Promise<Chapter[]> {
  const entries = await loadTree()
  return Object.entries(root.children).map(([name, node]) => {
    const commands = commandsOf(entries.filter(({ path }) => path[0] === name))
    return { name, aliases: node.aliases, summary: isGroup(node) ? node.summary : commands[0]!.summary, commands }
  })
}

export const description = `vpc makes networks for virtual machines and containers on this host, and joins them with those of other hosts.
  It speaks to vpcd, the daemon that vpc daemon runs. Objects have names, unit names (vpcsw0) and ids: UUIDs whose tenth byte is the type of the
  object and whose last six bytes are its MAC address. Without an id, a command that creates an object generates one. Commands are idempotent:
  repeating one reports unchanged.`

/** Environment variables and what they do. */
export const environment = [
  ['VPC_SOCKET', 'Socket of vpcd, unless --socket says otherwise. Default: /run/vpc/vpcd.sock.'],
  ['VPC_CONTEXT', 'The cloud that vpc cloud asks, of those that you are logged in to. Default: that of vpc context use.'],
  [
    'VPC_API, VPC_TOKEN, VPC_CA, VPC_SERVER_NAME',
    'URL of the API of a cloud, token, certificate authority, and the name in the certificate: instead of a context, for programs.',
  ],
  ['NO_COLOR', 'When set, output has no colour, unless --use-color says otherwise.'],
  ['PAGER', 'Pager that --use-pager uses. Default: less.'],
] as const
