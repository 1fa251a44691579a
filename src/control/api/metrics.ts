/** What the API counts, in Prometheus' form, as the table of metrics says. No tenant's name or id is in it. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { apiMetrics } from '#metrics/api.ts'
import type { Metric } from '#metrics/metric.ts'
import type { Model } from '../model/model.ts'
import { kinds } from '#resource/kinds.ts'
import { StoreWatch, type StoreHealth } from './store-health.ts'

/** What prom-client is told of a metric of the table. */
export const described = <L extends string>({ name, help, labels }: Metric) => ({ name, help, labelNames: labels as readonly L[] })

/** From a store in memory to one that has trouble. */
const buckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]

export class Metrics {
  readonly registry = new Registry()
  readonly requests = new Counter({
    ...described<'method' | 'kind' | 'status'>(apiMetrics.requests),
    registers: [this.registry],
  })
  readonly seconds = new Histogram({ ...described<'method'>(apiMetrics.seconds), buckets, registers: [this.registry] })
  readonly streams = new Gauge({ ...described<never>(apiMetrics.streams), registers: [this.registry] })

  /** How the store is. */
  readonly store: StoreWatch

  constructor(model: Model) {
    const { mirror, counts, store } = model
    this.store = new StoreWatch(store)
    this.#ofStore(apiMetrics.storeUsed, ({ room }) => room.used)
    this.#ofStore(apiMetrics.storeMost, ({ room }) => room.most)
    this.#ofStore(apiMetrics.storeFull, ({ room }) => Number(room.isFull))
    const commits = new Histogram({ ...described<never>(apiMetrics.commitSeconds), buckets, registers: [this.registry] })
    model.onCommit = (seconds) => commits.observe(seconds)
    this.gauge(apiMetrics.revision, () => mirror.revision)
    this.count(apiMetrics.attempts, () => counts.tries)
    this.count(apiMetrics.writes, () => counts.requests)
    this.count(apiMetrics.repairs, () => mirror.repaired)
    this.gauge(apiMetrics.failing, () => [...mirror.hosts.failing()].length)
    this.gauge(apiMetrics.objects, function* () {
      for (const { kind } of kinds) yield [kind, mirror.objects.count(kind)]
    })
  }

  /** Add a gauge: a value, or values by that of its label. */
  gauge(metric: Metric, value: () => number | Iterable<readonly [string, number]>): void {
    const [label] = metric.labels
    const collect = function (this: Gauge): void {
      const found = value()
      this.reset()
      if (typeof found === 'number') this.set(found)
      else for (const [of, each] of found) this.set({ [label!]: of }, each)
    }
    this.registry.registerMetric(new Gauge({ ...described(metric), registers: [], collect }))
  }

  /** Add a gauge of the store. While that does not answer, it keeps its value. */
  #ofStore(metric: Metric, value: (health: StoreHealth) => number): void {
    const { store } = this
    const collect = async function (this: Gauge): Promise<void> {
      const health = await store.health().catch(() => undefined)
      if (health !== undefined) this.set(value(health))
    }
    this.registry.registerMetric(new Gauge({ ...described(metric), registers: [], collect }))
  }

  /** Add a counter that somebody else counts. */
  count(metric: Metric, value: () => number): void {
    const collect = function (this: Counter): void {
      this.reset()
      this.inc(value())
    }
    this.registry.registerMetric(new Counter({ ...described(metric), registers: [], collect }))
  }
}
