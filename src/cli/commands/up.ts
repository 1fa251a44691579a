/** `vpc up`. */
import { join } from 'node:path'
import { defaultAgentPort } from '#feed/join.ts'
import { command } from '../command.ts'
import { flag, integer, text, valueOption } from '../option.ts'
import { allOrNothing } from '../undo.ts'
import { bringUp, checkRoot, type UpResult } from '../up/bring-up.ts'
import { dropInFile } from '../up/api-config.ts'
import { hostNameHere } from '../up/first-resources.ts'
import { lockPlaces, ownAddress, placeOptions, placesOf } from '../up/places.ts'
import { isName, nameRule } from '#resource/envelope.ts'
import { failure, success } from '#wire/result.ts'

export default command({
  path: 'up',
  summary: 'start everything on this machine: vpcd, the API of a cloud, and the agent',
  description: `Starts vpcd, the API with a store in a file, and the agent, in the background. The first time it also makes a region, a
    facility, an account, a vpc and a subnet, each called default, makes this machine a host, and logs you in. A machine that has joined
    another machine's cloud (vpc join) gets vpcd and the agent alone.

    The API, its issuer and the agent each run as a user of their own, without privileges. The store is in the directory api below the
    state directory, the key of the CA in the directory issuer. What an earlier vpc up kept elsewhere moves there.

    Where vpc is a Debian package, these are its units: they run again after a boot, and their logs are in the journal. Elsewhere each
    daemon has a log in the directory log below the state directory.

    Where the API of the package listens is what an administrator has said in /etc/vpc/api.yaml, which is only read. Where nothing is said
    there, a running API stays where it is, and else vpc up chooses. It writes that into ${dropInFile}.

    What runs already is left alone, so you can repeat it. When something fails, what was just started is stopped again. vpc down takes
    everything away.`,
  options: {
    ...placeOptions,
    name: valueOption<string>('name of this host', {
      placeholder: 'NAME',
      parse: (given) => (isName(given) ? success(given) : failure(`'${given}' is not a name; ${nameRule}`)),
    }).defaultsTo('the name of this machine'),
    address: text('where other machines reach this one', 'ADDRESS|INTERFACE').defaultsTo(
      'the address that packets to the outside leave from',
    ),
    port: integer('port of the API', 'PORT', 1, 65_535).defaultsTo('7473, or where it is'),
    restart: flag('start daemons that run anew, as after an upgrade; packets flow meanwhile'),
    agentPort: integer('port of the API for the agents of hosts', 'PORT', 1, 65_535).defaultsTo(`${defaultAgentPort}, or where it is`),
  },
  examples: [
    { line: 'vpc up', does: 'a cloud of one machine' },
    { line: 'vpc up --restart', does: 'run the programs as they are now' },
    { line: 'vpc up --address=eth1', does: 'other machines join by eth1' },
  ],
  async run({ name, address, port, agentPort, restart, ...options }, { global: { socket }, output }) {
    checkRoot('up')
    const places = placesOf(options, socket)
    using _ = lockPlaces(places)
    const hostName = name ?? hostNameHere()
    const own = await ownAddress(address)
    const result = await allOrNothing((undo) =>
      bringUp({ places, port, agentPort, address: own, isAsked: address !== undefined, hostName, restart }, undo),
    )
    output.result({ changed: result.started.length > 0, ...result, host: hostName }, () =>
      textOf(result, hostName, join(places.stateDir, 'admin-token')),
    )
  },
})

function textOf({ started, cloud, logs }: UpResult, hostName: string, tokenFile: string): string {
  const what = started.length === 0 ? 'unchanged: everything runs' : `started ${started.join(', ')}`
  const first = `${what}; logs are in ${logs.startsWith('/') ? logs : `the journal: ${logs}`}`
  if (cloud === null) return `${first}\nthis machine does what its cloud says`
  const where = `${first}
this machine is host ${hostName} of its own cloud; the API is at ${cloud.server}
the console is at ${cloud.server}/console/; ${tokenFile} has the token to sign in with`
  if (started.length === 0) return where
  return `${where}
next, an interface for a container:
  ip netns add web
  vpc vnic attach web1 --subnet=default --netns=web
${cloud.agents.startsWith('127.') ? alone : others}`
}

const others = 'another machine:\n  vpc host create NAME'
const alone = 'other machines cannot join: the API is for this one alone; vpc down, then vpc up --address=ADDRESS'
