/** Idle flows of ports that are in security groups are forgotten every ten seconds, a port at a time. */
import type { Context } from '../context.ts'
import type { Port } from '../store/model.ts'
import { Sweep } from './sweep.ts'

/** A port may have a million flows, so each has a turn of its own. */
export class ExpireFlows {
  readonly #context: Context
  readonly #sweep: Sweep<Port>

  constructor(context: Context) {
    this.#context = context
    const inGroups = (): Port[] => [...context.model.ofType('vpcp')].filter(({ groups }) => groups.length > 0)
    this.#sweep = new Sweep(inGroups, (port) => this.#expire(port))
  }

  stop(): void {
    this.#sweep.stop()
  }

  #expire({ source }: Port): boolean {
    try {
      this.#context.datapath.expireFlows(source)
      return true
    } catch (error) {
      this.#context.log.error('could not forget idle flows', { error: String(error) })
      return false
    }
  }
}
