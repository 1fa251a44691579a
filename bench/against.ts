/**
 * `node bench/against.ts DIR`: what the programs cost a packet here and in another checkout, which is built. Both are
 * loaded into one process on one CPU and run in turns, so that whatever else the machine does meets both.
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { hooks } from '#datapath/hook.ts'
import { Ground } from './ground.ts'
import { cases, REMEMBERED, type Case } from './program-cost.ts'
import { TestLoop } from './test-loop.ts'

/** One packet of one program, in two checkouts. */
export interface Comparison {
  readonly program: string
  readonly packet: string
  /** Nanoseconds of a run, the clock included: mean of the quicker half of all turns. */
  readonly here: number
  readonly there: number
}

/** Number of loads of the objects: the place where the kernel puts a program makes a difference of its own. */
const LOADS = 8
/** Turns of each checkout and load. */
const TURNS = 25

/** The other checkout, as far as its bench is used. Older ones have the same names. */
interface Checkout {
  readonly Ground: typeof Ground
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Mean of the lower half: runs without an interrupt, to less than the clock's step. */
function lowerMean(values: readonly number[]): number {
  return mean(values.toSorted((x, y) => x - y).slice(0, (values.length >> 1) + 1))
}

/** Keep this process on one CPU. What runs there then sees one cache and one clock. */
function pin(cpu: number): void {
  execFileSync('taskset', ['-cp', String(cpu), String(process.pid)], { stdio: 'ignore' })
}

/** Takes turns of a packet, each a batch of runs; `undefined` when its path expired meanwhile. */
function turns(ground: Ground, { program, data, context, to, direct = false }: Case): () => number | undefined {
  const [object, name] = program === 'mux-trace' ? ['mux', 'vpc_mux_trace'] : [hooks[program].object, hooks[program].program]
  const loop = new TestLoop(ground.scene.bench.program(object, name).fd, data, context)
  return () => {
    if (direct) ground.learn()
    const times: number[] = []
    ground.scene.netns.run(() => {
      for (let i = 0; i < REMEMBERED; i++) {
        const nanoseconds = loop.run()
        if (to === undefined || loop.sentTo === to) times.push(nanoseconds)
      }
    })
    return times.length < REMEMBERED / 2 ? undefined : lowerMean(times)
  }
}

/** Nanoseconds of both, turn by turn. */
type Pair = readonly [here: number, there: number]

/** One packet in both checkouts, in turns. */
function alternate(here: readonly [Ground, Case], there: readonly [Ground, Case]): Pair[] {
  const [a, b] = [turns(...here), turns(...there)]
  return Array.from({ length: TURNS }, (_, i) => (i % 2 ? [a(), b()] : [b(), a()].toReversed())).filter(
    (pair): pair is [number, number] => !pair.includes(undefined),
  )
}

/**
 * All packets, with both checkouts loaded once. Which one is loaded first makes a difference: they take turns in that.
 */
function loadBoth(other: Checkout, oursFirst: boolean): Pair[][] {
  using stack = new DisposableStack()
  // Each checkout numbers its namespaces by itself: ours is one ahead, since it has made another before.
  if (oursFirst) new Ground()[Symbol.dispose]()
  const first = stack.use(new (oursFirst ? Ground : other.Ground)())
  const second = stack.use(new (oursFirst ? other.Ground : Ground)())
  const [here, there] = oursFirst ? [first, second] : [second, first]
  const others = cases(there)
  return cases(here).map((one, i) => alternate([here, one], [there, others[i]!]))
}

function summary({ program, packet }: Case, loads: readonly (readonly Pair[])[]): Comparison {
  if (loads.some((pairs) => pairs.length < TURNS / 2))
    throw new Error(`${packet}: less than half of the turns went the way that is measured`)
  const [here, there] = [0, 1].map((side) => mean(loads.map((pairs) => lowerMean(pairs.map((pair) => pair[side]!))))) as [number, number]
  return { program: program === 'mux-trace' ? 'vpc_mux' : hooks[program].program, packet, here, there }
}

/** All programs with the packets that they see most, here and in the checkout at `dir`. */
export async function compareWith(dir: string): Promise<Comparison[]> {
  const other = (await import(resolve(dir, 'bench/ground.ts'))) as Checkout
  const loads = Array.from({ length: LOADS }, (_, i) => loadBoth(other, i % 2 === 0))
  using ground = new Ground()
  const all = cases(ground).map((one, i) => ({ one, pairs: loads.map((load) => load[i]!) }))
  // An older checkout lacks the way.
  return all.filter(({ pairs }) => pairs.some(({ length }) => length > 0)).map(({ one, pairs }) => summary(one, pairs))
}

if (import.meta.main) {
  const dir = process.argv[2]
  if (dir === undefined) {
    process.stderr.write('usage: node bench/against.ts DIR\nDIR is another checkout of the project, built by `npm run build`.\n')
    process.exit(2)
  }
  pin(availableParallelism() - 1)
  for (const { program, packet, here, there } of await compareWith(dir))
    console.log(`${program.padEnd(16)} ${packet.padEnd(36)} ${there.toFixed(1)} → ${here.toFixed(1)}  × ${(here / there).toFixed(3)}`)
}
