/** Whether a sender on a wire is outside, as its packets say: else somebody there poses as a station. */
import type { ObjectRecord } from '../model/record.ts'
import { vnicSpec } from './cloud.ts'
import type { Walk } from './context.ts'
import { routeTo } from './routes.ts'

/** A sender on the wire must be outside by the routes of the receiver's subnet. */
export function comesFromOutside({ cloud, trail, way }: Walk, vnic: ObjectRecord, source: string): boolean {
  const subnet = cloud.must('subnet', vnicSpec(vnic).subnet)
  const { facility } = cloud.must('host', vnic.binding!.host).spec
  const { best } = routeTo(cloud, cloud.router(subnet.vpc!)!, subnet, { address: source, facility })
  const of = best?.table === undefined ? 'every table' : trail.names.text(best.table)
  trail.use(best?.table)
  if (best?.target.kind === 'outside') {
    trail.pass(way, 'route', `by route ${best.destination} of ${of}, ${source} is outside`, best.table)
    return true
  }
  const by = best === undefined ? `no route leads to ${source}` : `route ${best.destination} of ${of} leads to ${source} inside`
  const text = `from ${trail.names.text(subnet)} ${by}, so nothing comes in from there`
  trail.stop(way, 'route', 'not-outside', text, best?.table ?? subnet)
  return false
}
