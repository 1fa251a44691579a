/**
 * Follows changes around the objects that vpcd did not make: the host's firewall rules, its addresses and routes. The
 * kernel notifies vpcd of most of them. vpcd polls the others every few seconds (the old iptables, programs by tcx).
 */
import { followHost, readRuleset, type HostChange } from '#datapath/host-rules/host-rules.ts'
import { followTooBig } from '#datapath/host-rules/paths.ts'
import type { Context } from '../context.ts'
import { fullName, unitName, type Mux } from '../store/model.ts'
import type { Vtep } from '../store/entry-store.ts'
import type { Transaction } from '../store/transaction.ts'
import { syncMux } from '../type/mux.ts'
import { keepPortsRight, noteElsewhere } from '../type/mux-ways.ts'
import { askPaths } from '../type/mux-paths.ts'
import { askHost } from '../type/mux-direct.ts'
import { keepGuards, keepGuardsMeanwhile, needsGuards, pastGuards, settingsPastGuards } from '../type/mux-guards.ts'
import { touchMux } from '../type/mtu-follow.ts'
import { inService } from '../type/mtu.ts'
import { refusal } from '../vpc-error.ts'
import { transact } from './transact.ts'

/** Rules change many at a time: after a short wait, one read covers all. */
const afterMs = 10
const againMs = 2000
/** Number of paths that are asked for at a time. */
const atOnce = 1000
/** Reading takes at most one in this many parts of the time. */
const share = 20

export class Surroundings {
  readonly #context: Context
  readonly #stopFollowing: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #due = Infinity
  #notBefore = 0
  #next = 0
  /** The kernel notified vpcd of a change. Whether it matters is not known, so vpcd forgets the learnt ways. */
  #told = false
  /** The kernel took no policies the last time: the log says so. */
  #unguarded = false
  #stopped = false

  constructor(context: Context) {
    this.#context = context
    const stops = [
      followHost((what: HostChange) => {
        this.#told ||= what !== 'routes'
        if (what === 'guards') this.#guardNow()
        this.look()
      }),
      followTooBig(() => this.look()),
    ]
    this.#stopFollowing = () => stops.forEach((stop) => stop())
    this.#wait(againMs)
  }

  /** Something may have changed. */
  look(): void {
    this.#wait(afterMs)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#stopFollowing()
  }

  #wait(ms: number): void {
    const due = Math.max(performance.now() + ms, this.#notBefore)
    if (this.#stopped || this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => this.#context.gate.whenFree(() => this.#go()), due - performance.now()).unref()
  }

  /** While an operation in steps is under way, the objects are not yet as the journal has them. */
  #go(): void {
    if (this.#stopped) return
    if (!this.#context.devices.followed) return this.stop()
    const begin = performance.now()
    this.#due = Infinity
    try {
      this.#ask()
    } catch (error) {
      this.#context.log.error("could not read the host's rules", { error: String(error) })
    }
    const end = performance.now()
    this.#notBefore = end + (end - begin) * share
    this.#wait(againMs)
  }

  #ask(): void {
    const { model, datapath } = this.#context
    const muxes = [...model.ofType('vpcmux')].filter((mux) => mux.listen !== null && mux.underlay !== null && mux.ifindex !== 0)
    const told = this.#told
    this.#told = false
    if (muxes.length === 0) return
    const rules = readRuleset()
    transact(this.#context, "note the host's rules and paths", (tx) => {
      this.#guard(() => keepGuards(this.#context, tx, rules))
      for (const mux of muxes) {
        this.#closePassed(tx, mux)
        if (noteElsewhere(this.#context, tx, mux)) syncMux(this.#context, tx, mux)
        if (!inService(mux)) continue
        if (askHost(tx, mux, rules)) this.#tell(mux)
        keepPortsRight(this.#context, tx, mux)
        askPaths(this.#context, tx, mux, this.#some(mux))
      }
    })
    if (told) datapath.tables.forgetWays()
  }

  /**
   * Packets pass in plain until the policies are there again, so this waits for nothing and reads nothing else. An
   * operation in steps that is under way may fail yet: then none is removed.
   */
  #guardNow(): void {
    const { model, devices, gate } = this.#context
    if (!devices.followed || !needsGuards(model)) return
    const keep = gate.busy ? keepGuardsMeanwhile : keepGuards
    transact(this.#context, 'keep packets from passing in plain', (tx) => this.#guard(() => keep(this.#context, tx)))
  }

  /**
   * Whoever empties the kernel's list of policies does not mean that packets shall pass in plain. A kernel that takes
   * none is no reason to stop following the rest.
   */
  #guard(keep: () => boolean): void {
    const { log } = this.#context
    try {
      if (keep()) log.warn('set policies of IPsec again that keep packets from passing in plain')
      this.#unguarded = false
    } catch (error) {
      if (!this.#unguarded) log.error('could not set policies of IPsec that keep packets from passing in plain', { error: String(error) })
      this.#unguarded = true
    }
  }

  /** Where a setting of the host lets packets pass by the policies, the mux sends none until that ends. */
  #closePassed(tx: Transaction, mux: Mux): void {
    const settings = mux.down ? [] : settingsPastGuards(this.#context, mux)
    if (settings.length === 0) return
    touchMux(tx, mux)
    tx.set(mux, 'down', true)
    this.#context.troubles.note(mux, refusal(`repair ${unitName(mux)}`, 'EBUSY', ...pastGuards(settings)))
  }

  /** The VTEPs of a mux to ask paths for now: all, or the next ones of very many. */
  *#some({ entries }: Mux): Generator<Vtep> {
    const vteps = [...entries.used.keys()]
    const first = vteps.length <= atOnce ? 0 : this.#next % vteps.length
    this.#next = first + atOnce
    for (let i = 0; i < Math.min(vteps.length, atOnce); i++) yield vteps[(first + i) % vteps.length]!
  }

  #tell(mux: Mux): void {
    const { out, in: into } = mux.objections
    const reasons = [...new Set([...out, ...into])]
    const which = out.length === 0 ? 'packets that come in' : into.length === 0 ? 'packets that leave' : 'all packets'
    if (mux.direct !== 'auto') return
    if (reasons.length === 0) this.#context.log.info(`packets of ${fullName(mux)} may bypass the host's stack`)
    else this.#context.log.info(`${fullName(mux)}: the host must see ${which}, which is slower`, { reasons })
  }
}
