/** Names of the cloud for the vnics of a host, from the API: kept for a while, and asked for beside what waits. */
import type { CloudThing } from '#feed/objects-file.ts'
import type { ApiClient } from './cloud/api-client.ts'

/** Paths as commands take them; the id where there is no name. */
export interface PlaceName {
  readonly vnic: string
  readonly vpc: string
}

interface Known {
  readonly name: PlaceName
  readonly until: number
}

/** Names change seldom. */
const keepMs = 600_000
/** How long somebody waits for names that are not there yet, and how long nobody asks an API that does not answer. */
const patienceMs = 2_000
const awayMs = 10_000
const parallel = 4

export class PlaceNames {
  readonly #client: ApiClient
  readonly #say: (why: string) => void
  readonly #known = new Map<string, Known>()
  readonly #words = new Map<string, Promise<string>>()
  #asking: Promise<void> | undefined
  #awayUntil = 0

  /** `say` is told why there are no names. */
  constructor(client: ApiClient, say: (why: string) => void) {
    this.#client = client
    this.#say = say
  }

  /** The names of things, by their ids. What the API does not tell soon is left out. */
  async of(things: readonly CloudThing[]): Promise<ReadonlyMap<string, PlaceName>> {
    const now = performance.now()
    const asked = things.filter(({ kind, id }) => kind === 'vnic' && (this.#known.get(id)?.until ?? 0) < now)
    if (asked.length > 0 && now >= this.#awayUntil) {
      this.#asking ??= this.#ask(asked).finally(() => (this.#asking = undefined))
      if (asked.some(({ id }) => !this.#known.has(id))) await Promise.race([this.#asking, pause(patienceMs)])
    }
    const current = new Set(things.map(({ id }) => id))
    for (const id of this.#known.keys()) if (!current.has(id)) this.#known.delete(id)
    return new Map([...this.#known].map(([id, { name }]) => [id, name]))
  }

  async #ask(things: readonly CloudThing[]): Promise<void> {
    this.#words.clear()
    const left = [...things]
    const worker = async (): Promise<void> => {
      for (let thing = left.pop(); thing !== undefined; thing = left.pop()) await this.#learn(thing)
    }
    try {
      await Promise.all(Array.from({ length: parallel }, worker))
    } catch (error) {
      this.#say((error as Error).message)
      this.#awayUntil = performance.now() + awayMs
    }
  }

  async #learn({ id, vpc }: CloudThing): Promise<void> {
    const { status, body } = await this.#client.ask('GET', `/vnics/${encodeURIComponent(id)}`)
    if (status === 401) throw new Error('the API does not know the token; log in again')
    const until = performance.now() + keepMs * (0.8 + 0.4 * Math.random())
    if (status !== 200) return void this.#known.set(id, { name: { vnic: id, vpc: vpc ?? '' }, until })
    const account = await this.#word('accounts', body.account)
    const inVpc = await this.#word('vpcs', body.vpc ?? vpc ?? '')
    this.#known.set(id, { name: { vnic: `${account}/${body.name ?? id}`, vpc: inVpc === '' ? '' : `${account}/${inVpc}` }, until })
  }

  /** A name by an id, asked for once in a round. */
  #word(plural: string, id: string): Promise<string> {
    if (id === '') return Promise.resolve('')
    const key = `${plural}/${id}`
    const known = this.#words.get(key)
    if (known !== undefined) return known
    const word = this.#client
      .ask('GET', `/${plural}/${encodeURIComponent(id)}`)
      .then(({ status, body }) => (status === 200 ? (body.name ?? id) : id))
    this.#words.set(key, word)
    return word
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref())
