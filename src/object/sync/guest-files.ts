/**
 * Keeps the files of the services for guests. They follow an operation a moment later, many changes at once; a service
 * then reads what is there. A start and a repair compare all of them.
 */
import { serviceUsers, type ServiceName } from '#datapath/guest-files.ts'
import type { Context, GuestFollower } from '../context.ts'
import type { Dirty } from '../store/dirty.ts'
import { wantsServices } from '../type/services.ts'
import { allFiles, fileOfSwitch, filesOfSource, type GuestFile } from './projection/guest-files.ts'

/** After an operation, the next ones are waited for. */
const afterMs = 20
/** Files that are written in one turn. */
const atOnce = 100

const services = Object.keys(serviceUsers) as ServiceName[]

export class KeepGuestFiles implements GuestFollower {
  readonly #context: Context
  #sources = new Set<number>()
  #switches = new Set<number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Note what an operation has changed. */
  note({ guests, zones }: Dirty): void {
    if (guests.size + zones.size === 0 || this.#stopped) return
    for (const source of guests) this.#sources.add(source)
    for (const unit of zones) this.#switches.add(unit)
    this.#timer ??= setTimeout(() => this.#go(), afterMs).unref()
  }

  /** Write all that was noted. */
  flush(): void {
    while (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#go()
    }
  }

  /** Stop, once all is written. */
  stop(): void {
    this.flush()
    this.#stopped = true
  }

  #go(): void {
    this.#timer = undefined
    const { model, guestFiles, log } = this.#context
    if (guestFiles === undefined) return
    try {
      for (const source of [...this.#sources].slice(0, atOnce)) {
        this.#sources.delete(source)
        for (const file of filesOfSource(model, source)) put(this.#context, file)
      }
      // A zone has the names of all ports of its switch: it is written once, at the end.
      for (const unit of this.#sources.size === 0 ? [...this.#switches] : []) {
        this.#switches.delete(unit)
        put(this.#context, fileOfSwitch(model, unit))
      }
    } catch (error) {
      log.error('could not tell the services for guests what has changed; a repair does', { error: String(error) })
    }
    if (this.#sources.size > 0) this.#timer = setTimeout(() => this.#go(), 1).unref()
  }
}

function put({ guestFiles, model }: Context, { service, key, text }: GuestFile): void {
  if (text !== undefined) guestFiles!.set(service, key, text)
  else if (wantsServices(model)) guestFiles!.delete(service, key)
}

/** What differs between the files and the objects. */
export function compareGuestFiles({ model, guestFiles }: Context): (GuestFile & { readonly found: string | undefined })[] {
  if (guestFiles === undefined || !wantsServices(model)) return []
  const wanted = [...allFiles(model)].filter(({ text }) => text !== undefined)
  return services.flatMap((service) => {
    const there = guestFiles.entries(service)
    const different = wanted.flatMap((file) => {
      if (file.service !== service) return []
      const found = there.get(file.key)
      there.delete(file.key)
      return found === file.text ? [] : [{ ...file, found }]
    })
    return [...different, ...Array.from(there, ([key, found]) => ({ service, key, text: undefined, found }))]
  })
}

/** Write what differs. */
export function repairGuestFiles(context: Context): void {
  for (const file of compareGuestFiles(context)) put(context, file)
}
