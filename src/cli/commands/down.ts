/** `vpc down`. */
import { command } from '../command.ts'
import { flag } from '../option.ts'
import { alreadySo, done } from '../outcome.ts'
import { bringDown } from '../up/bring-down.ts'
import { checkRoot } from '../up/bring-up.ts'
import { lockPlaces, placeOptions, placesOf } from '../up/places.ts'

export default command({
  path: 'down',
  summary: 'stop what vpc up started, and take it away',
  description: `Stops the agent, the API, its issuer and vpcd, and removes the objects of the cloud from this host, with their interfaces. Objects that you
    made yourself stay, and their packets flow. The context that was current before vpc up is current again.

    The store, the identity of this host and the logs stay, so that vpc up brings the cloud back, and gives containers their interfaces
    again. A virtual machine that runs has no network until it was stopped and run again. --purge removes the data, too,
    except the journal of a vpcd that has objects of others, or that runs and vpc up did not start.

    Where vpc is a Debian package, the units of the agent, the API and the issuer are stopped and disabled, and vpcd goes on.`,
  options: { ...placeOptions, purge: flag('remove the store, the identity of this host and the logs, too') },
  examples: [
    { line: 'vpc down', does: 'stop; vpc up brings the cloud back' },
    { line: 'vpc down --purge', does: 'as if vpc up had never run' },
  ],
  async run({ purge, ...options }, { global: { socket }, output }) {
    checkRoot('down')
    const places = placesOf(options, socket)
    using _ = lockPlaces(places)
    const result = await bringDown(places, purge)
    if (result === undefined) return alreadySo(output, 'nothing is up')
    const { stopped, left, journal, units } = result
    const what = stopped.length === 0 ? 'nothing: nothing ran' : stopped.join(', ')
    const rest = [
      ...(left === 0 ? [] : [`${left} objects of others stay`]),
      ...(units ? ['vpcd goes on, as after the installation of the package'] : []),
      ...(journal === 'in-use' && !units ? ['the journal of vpcd stays: vpcd runs, and vpc up did not start it'] : []),
      ...(journal === 'has-objects' ? ['the journal of vpcd stays, for they are in it'] : []),
    ]
    done(output, [`stopped ${what}${purge ? ', and removed their data' : ''}`, ...rest].join('; '), result)
  },
})
